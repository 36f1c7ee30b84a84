import type { Chain } from '../prefix/chain.ts'

/**
 * What is told of a prompt’s blocks: the hash of every `step`th of them, which stands for all before it,
 * and of a few others by their number. Two prompts share what the last hash says that both have.
 */
export interface PrefixSamples {
  /** A power of two. */
  readonly step: number
  /** Hashes of 48 bits of blocks `step`, twice `step` and so on, counted from 1. */
  readonly hashes: readonly number[]
  /** Others, in order: how many blocks, and the hash of the last of them. */
  readonly marks: readonly (readonly [blocks: number, hash: number])[]
}

/** At 16 tokens a block every one of 2,048 tokens, and every 64th of 131,072. */
const hashesMax = 128
const hashBytes = 6
const hashChars = (hashBytes * 4) / 3
/** Lines of a log are cut at longer texts. */
const pieceChars = 256

/** Of the first `blocks` blocks. */
export function hashAt({ low, high }: Chain, blocks: number): number {
  return (low[blocks - 1] ?? 0) + ((high[blocks - 1] ?? 0) & 0xffff) * 2 ** 32
}

/** `marked`: numbers of blocks of which the hashes are told in any case. */
export function samplesOf(chain: Chain, marked: readonly number[]): PrefixSamples {
  let step = 1
  while (chain.length / step > hashesMax) step *= 2
  const count = Math.floor(chain.length / step)
  const hashes = Array.from({ length: count }, (_, at) => hashAt(chain, (at + 1) * step))
  const marks = [...new Set(marked)]
    .filter((blocks) => blocks > 0 && blocks <= chain.length && blocks % step !== 0)
    .toSorted((one, other) => one - other)
    .map((blocks) => [blocks, hashAt(chain, blocks)] as const)
  return { step, hashes, marks }
}

/** Texts of 256 characters at most: 8 of base64 a hash. */
export function prefixText({ hashes }: PrefixSamples): string[] {
  const bytes = Buffer.alloc(hashes.length * hashBytes)
  hashes.forEach((hash, at) => bytes.writeUIntBE(hash, at * hashBytes, hashBytes))
  const text = bytes.toString('base64url')
  const pieces = Math.ceil(text.length / pieceChars)
  return Array.from({ length: pieces }, (_, at) =>
    text.slice(at * pieceChars, (at + 1) * pieceChars),
  )
}

/** Undefined where these are no such texts. */
export function hashesIn(pieces: readonly string[]): readonly number[] | undefined {
  const text = pieces.join('')
  if (!/^[\w-]*$/.test(text) || text.length % hashChars !== 0) return undefined
  const bytes = Buffer.from(text, 'base64url')
  return Array.from({ length: bytes.length / hashBytes }, (_, at) =>
    bytes.readUIntBE(at * hashBytes, hashBytes),
  )
}

/** `blocks hash`, the hash in base 36. */
export function markText([blocks, hash]: PrefixSamples['marks'][number]): string {
  return `${blocks} ${hash.toString(36)}`
}

/** Undefined where it is none. */
export function markIn(text: string): PrefixSamples['marks'][number] | undefined {
  const parts = /^(\d{1,9}) ([\da-z]{1,10})$/.exec(text)
  if (parts === null) return undefined
  return [Number(parts[1]), Number.parseInt(parts[2] ?? '', 36)]
}
