import { hash } from '#shared/builtins.ts'

/** What an entry costs beside its ids: key, map and array. */
const entryBytes = 250

/**
 * Ids by the digest of what they are of, bounded in bytes: what was not asked for since half of the
 * memory filled is forgotten. No text is kept.
 */
export class IdCache {
  readonly #bytesMax: number
  #young = new Map<string, Uint32Array>()
  #old = new Map<string, Uint32Array>()
  #youngBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  find(key: string): Uint32Array | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.add(key, old)
    return old
  }

  /** @param ids their whole buffer is theirs: none is held for a part of it. */
  add(key: string, ids: Uint32Array): void {
    const bytes = ids.length * 4 + entryBytes
    if (bytes * 2 > this.#bytesMax) return
    if (this.#youngBytes + bytes > this.#bytesMax / 2) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    if (!this.#young.has(key)) this.#youngBytes += bytes
    this.#young.set(key, ids)
  }

  clear(): void {
    this.#old = new Map()
    this.#young = new Map()
    this.#youngBytes = 0
  }
}

/** What stands for `text` in a cache: SHA-256, 1 µs for 1 KB. */
export function digestOf(text: string): string {
  return hash('sha256', text, 'latin1')
}
