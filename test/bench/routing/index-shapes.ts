import { ChainBuilder } from '#ambassador/pool/prefix/hash.ts'

/** A call of a load: the tokens of its prompt are made from numbers, so that nothing is kept. */
export interface ShapedCall {
  readonly slot: number
  readonly builder: ChainBuilder
  /** The tokens that it generates. */
  readonly output: Uint32Array
}

/** Makes calls without end. */
export type Shape = (random: () => number) => () => ShapedCall

export const slots = 64
const blockTokens = 16
const none = new Uint32Array(0)

/** Repeats: xorshift32. */
export function randomFrom(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/**
 * Conversations: 300 system prompts of 800 to 6,400 tokens, the common ones far more common; turns of
 * 80 to 3,200 tokens and answers of 32 to 512; up to 12 turns; nine of ten turns go where the one
 * before went.
 */
const conversations: Shape = (random) => {
  const open: { id: number; system: number; turns: number[]; slot: number }[] = []
  let ids = 0
  return () => {
    const at = Math.floor(random() * 20_000)
    let talk = open[at]
    if (talk === undefined || talk.turns.length === 12) {
      const system = Math.floor(300 * random() ** 3)
      talk = { id: (ids += 1), system, turns: [], slot: Math.floor(random() * slots) }
      open[Math.min(at, open.length)] = talk
    }
    talk.turns.push(80 + Math.floor(3_120 * random() ** 3))
    if (random() < 0.1) talk.slot = Math.floor(random() * slots)
    const builder = newBuilder()
    builder.push(tokensOf(talk.system, 800 + ((talk.system * 997) % 5_600)))
    let output = new Uint32Array(0)
    for (const [turn, tokens] of talk.turns.entries()) {
      const id = talk.id * 1_000 + turn * 2
      builder.push(output)
      builder.push(tokensOf(id, tokens))
      output = tokensOf(id + 1, 32 + ((id * 997) % 480))
    }
    return { slot: talk.slot, builder, output }
  }
}

/** Prompts of one block, all different: every run is one block long. */
const singles: Shape = (random) => {
  let ids = 0
  return () => {
    const builder = newBuilder()
    builder.push(tokensOf((ids += 1), blockTokens))
    return { slot: Math.floor(random() * slots), builder, output: none }
  }
}

/** Each block is one of two: prompts leave each other at every block. */
const binary: Shape = (random) => () => {
  const builder = newBuilder()
  for (let block = 0; block < 32; block += 1) {
    builder.push(tokensOf(Math.floor(random() * 2), blockTokens))
  }
  return { slot: Math.floor(random() * slots), builder, output: none }
}

/** Prompts that share up to 6,250 blocks and leave them anywhere by one block. */
const comb: Shape = (random) => {
  const spine = tokensOf(1, 100_000)
  let ids = 1
  return () => {
    const builder = newBuilder()
    const blocks = Math.floor(random() * 6_250)
    builder.push(spine.subarray(0, blocks * blockTokens))
    builder.push(tokensOf((ids += 1), blockTokens))
    return { slot: Math.floor(random() * slots), builder, output: none }
  }
}

export const shapes: Readonly<Record<string, Shape>> = { conversations, singles, binary, comb }

function tokensOf(id: number, length: number): Uint32Array<ArrayBuffer> {
  const random = randomFrom(Math.imul(id, 0x9e3779b1) ^ 0x5bd1e995)
  return Uint32Array.from({ length }, () => random() * 128_000)
}

function newBuilder(): ChainBuilder {
  return new ChainBuilder({ blockTokens, seed: [1, 2] })
}
