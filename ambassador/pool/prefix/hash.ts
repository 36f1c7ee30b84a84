import type { Chain } from './chain.ts'

/** Two words, random per process: without them nobody can make two prompts that hash alike. */
export type HashSeed = readonly [number, number]

export interface ChainOptions {
  /** Words in a block: tokens, or four bytes each for prompts that are not tokenized; 1 or more. */
  readonly blockTokens: number
  readonly seed: HashSeed
  /** Name of the adapter; empty for the base model. */
  readonly adapter?: string
  /** vLLM's `cache_salt`; empty for none. */
  readonly salt?: string
}

/** Blocks that a builder has room for at first. */
const roomFirst = 64

/**
 * Hashes the blocks of a prompt as it comes. The state of two 32-bit words runs through the whole
 * prompt, so a block's hash stands for everything before it; a hash is that state, mixed once more.
 * About 4 ns a token. The rounds are of the murmur family, keyed: differences between tokens spread
 * by secret words.
 */
export class ChainBuilder {
  readonly #blockTokens: number
  readonly #keys: HashSeed
  #a: number
  #b: number
  /** Tokens of the block that is not full. */
  #partial = 0
  #length = 0
  #low: Uint32Array
  #high: Uint32Array

  constructor(options: ChainOptions | ChainBuilder) {
    if (options instanceof ChainBuilder) {
      this.#blockTokens = options.#blockTokens
      this.#keys = options.#keys
      this.#a = options.#a
      this.#b = options.#b
      this.#partial = options.#partial
      this.#length = options.#length
      this.#low = options.#low.slice()
      this.#high = options.#high.slice()
      return
    }
    const [first, second] = options.seed
    this.#blockTokens = options.blockTokens
    this.#keys = [finish(first ^ 0x3c6ef372), finish(second ^ 0x1b873593)]
    this.#a = finish(first)
    this.#b = finish(second ^ 0x7f4a7c15)
    this.#low = new Uint32Array(roomFirst)
    this.#high = new Uint32Array(roomFirst)
    this.#text(options.adapter ?? '')
    this.#text(options.salt ?? '')
  }

  /** Tokens so far. */
  get tokens(): number {
    return this.#length * this.#blockTokens + this.#partial
  }

  /** The next tokens, of the prompt or generated; each is taken modulo 2^32. */
  push(tokens: ArrayLike<number>): void {
    const end = tokens.length
    let at = 0
    while (at < end) {
      const stop = Math.min(end, at + this.#blockTokens - this.#partial)
      this.#partial += stop - at
      this.#mix(tokens, at, stop)
      at = stop
      if (this.#partial === this.#blockTokens) this.#emit()
    }
  }

  /** An image, a sound or the like starts at the next token: every hash from there on depends on it. */
  multimodal(identifier: string): void {
    // A step that no token makes: what follows is never taken for tokens.
    this.#a = finish(this.#a ^ this.#keys[1])
    this.#mix([this.tokens], 0, 1)
    this.#text(identifier)
  }

  /** The full blocks so far. It shares memory with the builder and stays as it is. */
  chain(): Chain {
    return { length: this.#length, low: this.#low, high: this.#high }
  }

  /** A builder of its own that goes on from here; copies 8 bytes a block. */
  fork(): ChainBuilder {
    return new ChainBuilder(this)
  }

  #mix(words: ArrayLike<number>, from: number, to: number): void {
    const [first, second] = this.#keys
    let a = this.#a
    let b = this.#b
    for (let at = from; at < to; at += 1) {
      const word = words[at] ?? 0
      let x = Math.imul(word ^ first, 0xcc9e2d51)
      x = Math.imul((x << 15) | (x >>> 17), 0x1b873593)
      let y = Math.imul((word + second) | 0, 0x85ebca77)
      y = Math.imul((y << 13) | (y >>> 19), 0xc2b2ae3d)
      a ^= x
      a = (Math.imul((a << 13) | (a >>> 19), 5) + b) | 0
      b ^= y
      b = (Math.imul((b << 15) | (b >>> 17), 0x9e3779b1) ^ a) | 0
    }
    this.#a = a
    this.#b = b
  }

  #emit(): void {
    this.#partial = 0
    if (this.#length === this.#low.length) {
      this.#low = grown(this.#low)
      this.#high = grown(this.#high)
    }
    this.#low[this.#length] = finish(this.#a ^ ((this.#b << 16) | (this.#b >>> 16)))
    this.#high[this.#length] = finish((this.#b + Math.imul(this.#a, 0x9e3779b1)) | 0)
    this.#length += 1
  }

  /** Length first, so that no two lists of texts read alike. */
  #text(text: string): void {
    const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
    this.#mix([units.length, ...units], 0, units.length + 1)
  }
}

/**
 * Hashes a prompt that is not tokenized, four bytes to a word. What is shared is found as exactly as
 * with tokens; only where blocks end differs from the replica's own.
 */
export class ByteChainBuilder {
  readonly #words: ChainBuilder
  /** Bytes that do not fill a word, from the lowest up. */
  #rest = 0
  #restBytes = 0

  /** `blockBytes` is a multiple of 4. */
  constructor(options: Omit<ChainOptions, 'blockTokens'> & { readonly blockBytes: number }) {
    this.#words = new ChainBuilder({ ...options, blockTokens: options.blockBytes / 4 })
  }

  push(bytes: Uint8Array): void {
    let at = 0
    for (; at < bytes.length && this.#restBytes > 0; at += 1) this.#byte(bytes[at] ?? 0)
    const words = new Uint32Array((bytes.length - at) >>> 2)
    for (let index = 0; index < words.length; index += 1, at += 4) {
      words[index] = wordAt(bytes, at)
    }
    this.#words.push(words)
    for (; at < bytes.length; at += 1) this.#byte(bytes[at] ?? 0)
  }

  chain(): Chain {
    return this.#words.chain()
  }

  #byte(byte: number): void {
    this.#rest |= byte << (8 * this.#restBytes)
    this.#restBytes += 1
    if (this.#restBytes < 4) return
    this.#words.push([this.#rest >>> 0])
    this.#rest = 0
    this.#restBytes = 0
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  const lower = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
  return lower | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
}

/** The last step of murmur3: every bit of the input changes half the bits of the result. */
function finish(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function grown(words: Uint32Array): Uint32Array {
  const next = new Uint32Array(words.length * 2)
  next.set(words)
  return next
}
