import type { Chain } from '#ambassador/pool/prefix/chain.ts'

interface Block {
  references: number
  /** Place in the line; undefined while a call holds it. */
  freedAt: number | undefined
  /** The hold that was the newest when it was freed. */
  freedBefore: number
}

/** What one call holds in the model. */
export interface NaiveHold {
  readonly slot: number
  readonly stamp: number
  readonly found: number
  names: string[]
  isLive: boolean
}

interface Cache {
  blocks: Map<string, Block>
  capacity: number
  reserved: number
}

/** Every replica's cache block by block, as vLLM keeps it: what the index must equal. */
export class NaiveCaches {
  readonly caches = new Map<number, Cache>()
  readonly #above = new Map<string, string>()
  readonly #blocksMax: number
  #clock = 0
  #stamp = 0

  constructor(blocksMax: number) {
    this.#blocksMax = blocksMax
  }

  open(slot: number, capacity: number): void {
    this.caches.set(slot, { blocks: new Map(), capacity, reserved: 0 })
  }

  close(slot: number): void {
    this.caches.delete(slot)
  }

  resize(slot: number, capacity: number): void {
    const cache = this.#cache(slot)
    cache.capacity = capacity
    this.#evict(cache)
  }

  reserve(slot: number, blocks: number): void {
    const cache = this.#cache(slot)
    cache.reserved = blocks
    this.#evict(cache)
  }

  match(chain: Chain, slot: number): number {
    const { blocks } = this.#cache(slot)
    const names = this.#names(chain)
    const missing = names.findIndex((name) => !blocks.has(name))
    return missing < 0 ? names.length : missing
  }

  /** Leading blocks that calls hold. */
  matchLive(chain: Chain, slot: number): number {
    const { blocks } = this.#cache(slot)
    const names = this.#names(chain)
    const idle = names.findIndex((name) => (blocks.get(name)?.references ?? 0) === 0)
    return idle < 0 ? names.length : idle
  }

  hold(chain: Chain, slot: number): NaiveHold {
    this.#stamp += 1
    const found = this.match(chain, slot)
    const hold = { slot, stamp: this.#stamp, found, names: [], isLive: true }
    this.extend(hold, chain)
    return hold
  }

  extend(hold: NaiveHold, chain: Chain): void {
    if (!this.isLive(hold)) return
    const cache = this.#cache(hold.slot)
    for (const name of this.#names(chain).slice(hold.names.length)) {
      const block = cache.blocks.get(name) ?? { references: 0, freedAt: undefined, freedBefore: 0 }
      block.references += 1
      block.freedAt = undefined
      cache.blocks.set(name, block)
      hold.names.push(name)
    }
    this.#evict(cache)
    this.#bound()
  }

  release(hold: NaiveHold): void {
    if (!this.isLive(hold)) return
    hold.isLive = false
    const cache = this.#cache(hold.slot)
    for (const name of hold.names.toReversed()) {
      const block = cache.blocks.get(name)!
      block.references -= 1
      if (block.references > 0) continue
      block.freedAt = this.#clock++
      block.freedBefore = this.#stamp
    }
    this.#evict(cache)
    this.#bound()
  }

  takeBack(hold: NaiveHold): void {
    if (!this.isLive(hold)) return
    hold.isLive = false
    const cache = this.#cache(hold.slot)
    for (const [back, name] of hold.names.toReversed().entries()) {
      const block = cache.blocks.get(name)!
      block.references -= 1
      if (block.references > 0) continue
      block.freedAt = this.#clock++
      block.freedBefore = this.#stamp
      const isOwn = hold.names.length - 1 - back >= hold.found
      const hasBelow = [...cache.blocks.keys()].some((other) => this.#above.get(other) === name)
      if (isOwn && !hasBelow) cache.blocks.delete(name)
    }
    this.#evict(cache)
    this.#bound()
  }

  audit(hold: NaiveHold, blocks: number): void {
    if (!this.isLive(hold) || blocks >= hold.found) return
    const cache = this.#cache(hold.slot)
    const missing = hold.names[blocks]!
    for (const [name, block] of cache.blocks) {
      if (block.references > 0 || block.freedBefore >= hold.stamp) continue
      if (this.#isBelow(name, missing)) cache.blocks.delete(name)
    }
  }

  live(slot: number): number {
    return [...this.#cache(slot).blocks.values()].filter((block) => block.references > 0).length
  }

  held(slot: number): number {
    return this.#cache(slot).blocks.size
  }

  isLive(hold: NaiveHold): boolean {
    return hold.isLive
  }

  #cache(slot: number): Cache {
    return this.caches.get(slot)!
  }

  #names(chain: Chain): string[] {
    const names = Array.from(
      { length: chain.length },
      (_, at) => `${chain.low[at]}:${chain.high[at]}`,
    )
    for (const [at, name] of names.entries()) this.#above.set(name, names[at - 1] ?? '')
    return names
  }

  #isBelow(name: string, top: string): boolean {
    for (let at = name; at !== ''; at = this.#above.get(at)!) {
      if (at === top) return true
    }
    return false
  }

  #line(cache: Cache): string[] {
    return [...cache.blocks]
      .filter(([, block]) => block.freedAt !== undefined)
      .toSorted(([, a], [, b]) => a.freedAt! - b.freedAt!)
      .map(([name]) => name)
  }

  #evict(cache: Cache): void {
    const over = cache.blocks.size + cache.reserved - cache.capacity
    for (const name of this.#line(cache).slice(0, Math.max(0, over))) cache.blocks.delete(name)
  }

  #bound(): void {
    const caches = [...this.caches].toSorted(([a], [b]) => a - b).map(([, cache]) => cache)
    for (;;) {
      const over = caches.reduce((sum, cache) => sum + cache.blocks.size, 0) - this.#blocksMax
      const lines = caches.map((cache) => this.#line(cache))
      const longest = Math.max(0, ...lines.map((line) => line.length))
      if (over <= 0 || longest === 0) return
      const which = lines.findIndex((line) => line.length === longest)
      for (const name of lines[which]!.slice(0, over)) caches[which]!.blocks.delete(name)
    }
  }
}
