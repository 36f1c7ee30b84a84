import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BlockPool } from '#deploy/simulator/replica/block-pool.ts'
import { KeyedBlocks } from '#deploy/simulator/replica/keyed-blocks.ts'

/** A pool that keeps every block as an object: what {@link BlockPool} is to be alike. */
class NaivePool {
  readonly #free: NaiveBlock[]
  readonly #named: NaiveBlock[] = []

  constructor(size: number) {
    this.#free = Array.from({ length: size }, () => ({ holders: 0, key: undefined }))
  }

  get free(): number {
    return this.#free.length
  }

  get cachedKeys(): number {
    return new Set(this.#named.map(({ key }) => key)).size
  }

  find(key: number): NaiveBlock | undefined {
    return this.#named.find((block) => block.key === key)
  }

  hold(block: NaiveBlock): void {
    if (block.holders === 0) this.#free.splice(this.#free.indexOf(block), 1)
    block.holders += 1
  }

  take(): NaiveBlock | undefined {
    const block = this.#free.shift()
    if (block === undefined) return undefined
    if (block.key !== undefined) this.#named.splice(this.#named.indexOf(block), 1)
    block.key = undefined
    block.holders = 1
    return block
  }

  release(block: NaiveBlock): void {
    block.holders -= 1
    if (block.holders === 0) this.#free.push(block)
  }

  name(block: NaiveBlock, key: number): void {
    block.key = key
    this.#named.push(block)
  }
}

interface NaiveBlock {
  holders: number
  key: number | undefined
}

/** A block of both pools. */
interface Pair {
  readonly number: number
  readonly block: NaiveBlock
}

/** A block in place of the oldest free one, behind `previous` where that is a block; -1: none is free. */
function takeOne(pool: BlockPool, previous = -1): number {
  if (pool.free === 0) return -1
  const from = previous < 0 ? 0 : 1
  const blocks = Int32Array.of(previous, -1)
  pool.take(blocks, from, from + 1)
  return blocks[from]!
}

const only = { from: 0, to: 1, keyed: 0 } as const

function nameOne(pool: BlockPool, block: number, key: number): void {
  pool.name(Int32Array.of(block), [key], only)
}

/** Blocks to be taken for the keys from `from` on. */
interface Growth {
  readonly keys: readonly number[]
  readonly numbers: Int32Array
  readonly from: number
}

/** What a live call holds, and what can be done for it. */
class Holder {
  readonly #pool: BlockPool
  readonly #naive: NaivePool
  readonly #held: Pair[] = []

  constructor(pool: BlockPool, naive: NaivePool) {
    this.#pool = pool
    this.#naive = naive
  }

  /** Holds the blocks that are found under the first keys, and as many more as there is room for. */
  grow(keys: readonly number[], pairs: Map<number, NaiveBlock>): void {
    const numbers = new Int32Array(keys.length)
    const found = this.#pool.findAll(numbers, keys, { from: 0, to: keys.length, keyed: 0 })
    for (let at = 0; at < found; at += 1) {
      const block = this.#naive.find(keys[at]!)
      assert(block !== undefined && block === pairs.get(numbers[at]!))
      this.#held.push({ number: numbers[at]!, block })
    }
    assert(found === keys.length || this.#naive.find(keys[found]!) === undefined)
    const isHeld = ({ block }: Pair) => block.holders > 0
    assert.equal(this.#pool.held(numbers, found), this.#held.filter(isHeld).length)
    this.#pool.hold(numbers, found)
    for (const { block } of this.#held) this.#naive.hold(block)
    this.#take({ keys, numbers, from: found }, pairs)
    for (const { number, block } of this.#held) {
      assert.equal(this.#pool.holders(number), block.holders)
    }
  }

  #take({ keys, numbers, from }: Growth, pairs: Map<number, NaiveBlock>): void {
    const to = Math.min(keys.length, from + this.#pool.free)
    this.#pool.take(numbers, from, to)
    for (let at = from; at < to; at += 1) {
      const block = this.#naive.take()
      assert(block !== undefined)
      pairs.set(numbers[at]!, block)
      this.#naive.name(block, keys[at]!)
      this.#held.push({ number: numbers[at]!, block })
    }
    // As an engine does: a prompt is named chunk by chunk, and its lists of keys begin anywhere.
    const middle = (from + to) >> 1
    this.#pool.name(numbers, keys, { from, to: middle, keyed: 0 })
    this.#pool.name(numbers, keys.slice(from), { from: middle, to, keyed: from })
  }

  end(): void {
    const numbers = Int32Array.from(this.#held, ({ number }) => number)
    this.#pool.release(numbers, numbers.length)
    for (const { block } of this.#held.toReversed()) this.#naive.release(block)
  }
}

test('a pool gives, finds and forgets blocks as one that keeps every block as an object', () => {
  const content = fc.constantFrom(0, 1, 2, 2 ** 31, 2 ** 40, -(2 ** 33))
  const deeds = fc.array(
    fc.record({ content, blocks: fc.nat(90), ends: fc.nat(3), from: fc.constantFrom(0, 0, 0, 5) }),
    { minLength: 20, maxLength: 120 },
  )
  const sizes = fc.constantFrom(1, 5, 33, 64, 200)
  fc.assert(
    fc.property(sizes, deeds, (size, all) => {
      const pool = new BlockPool(size)
      const naive = new NaivePool(size)
      const pairs = new Map<number, NaiveBlock>()
      const live: Holder[] = []
      for (const { content: first, blocks, ends, from } of all) {
        for (let end = 0; end < ends; end += 1) live.shift()?.end()
        const holder = new Holder(pool, naive)
        // From the middle on: a second block with the key of another.
        const keys = Array.from({ length: blocks }, (_, at) => first * 4 + from + at)
        holder.grow(keys, pairs)
        live.push(holder)
        assert.equal(pool.free, naive.free)
        assert.equal(pool.cachedKeys, naive.cachedKeys)
      }
    }),
    { numRuns: 200 },
  )
})

const keys = fc.oneof(
  fc.integer({ min: -8, max: 8 }),
  fc.integer({ min: 2 ** 40, max: 2 ** 40 + 4 }),
  fc.constantFrom(0, 2 ** 32, 2 ** 53, 2 ** 31, -(2 ** 33)),
)

test('of the blocks with a key the one that has had it longest answers', () => {
  const steps = fc.array(fc.tuple(fc.nat(23), keys), { maxLength: 300 })
  fc.assert(
    fc.property(steps, (all) => {
      const table = new KeyedBlocks(24)
      /** Blocks by key, in the order in which they got it. */
      const lists = new Map<number, number[]>()
      const keyOf = new Map<number, number>()
      for (const [block, key] of all) {
        const former = keyOf.get(block)
        table.leave(Int32Array.of(block), 0, 1)
        if (former === undefined) {
          table.enter(Int32Array.of(block), [key], only)
          keyOf.set(block, key)
          lists.set(key, [...(lists.get(key) ?? []), block])
        } else {
          keyOf.delete(block)
          const rest = (lists.get(former) ?? []).filter((other) => other !== block)
          if (rest.length > 0) lists.set(former, rest)
          else lists.delete(former)
        }
        assert.equal(table.size, lists.size)
        assert.equal(table.find(key), lists.get(key)?.[0] ?? -1)
        for (const [other, [first]] of lists) assert.equal(table.find(other), first)
      }
      table.clear()
      for (const key of lists.keys()) assert.equal(table.find(key), -1)
    }),
  )
})

test('a table keeps thousands of counted and of hashed keys apart', () => {
  const table = new KeyedBlocks(20_000)
  const keyOf = (at: number) => (at % 2 === 0 ? at : at * 2 ** 38 + 17)
  for (let at = 0; at < 20_000; at += 1) table.enter(Int32Array.of(at), [keyOf(at)], only)
  for (let at = 0; at < 20_000; at += 3) table.leave(Int32Array.of(at), 0, 1)
  for (let at = 0; at < 20_000; at += 1) {
    assert.equal(table.find(keyOf(at)), at % 3 === 0 ? -1 : at)
  }
})

test('blocks of one sequence have numbers that follow each other, whatever was freed before', () => {
  const pool = new BlockPool(1_024)
  const taken = takeAll(pool)
  // In an order that has nothing to do with the numbers.
  for (let at = 0; at < taken.length; at += 1) {
    pool.release(Int32Array.of(taken[(at * 389) % taken.length]!), 1)
  }
  let last = -1
  let breaks = 0
  for (let at = 0; at < 512; at += 1) {
    const block = takeOne(pool, last)
    if (block !== last + 1) breaks += 1
    last = block
  }
  assert(breaks <= 1 + 512 / 32, `${breaks} breaks`)
})

/** Blocks that are taken now, in order. */
function takeAll(pool: BlockPool): number[] {
  const taken: number[] = []
  while (pool.free > 0) taken.push(takeOne(pool))
  return taken
}

test('the block freed longest ago is taken first and forgets its key', () => {
  const pool = new BlockPool(3)
  const [one = 0, two = 0, three = 0] = takeAll(pool)
  assert.equal(takeOne(pool), -1)
  nameOne(pool, two, 22)
  nameOne(pool, three, 33)
  pool.release(Int32Array.of(three, one, two), 3)
  assert.equal(pool.find(22), two)
  assert.equal(takeOne(pool), two)
  assert.equal(pool.find(22), -1)
  assert.equal(pool.find(33), three)
})

test('a free block that is found leaves the queue, and comes back as the youngest', () => {
  const pool = new BlockPool(3)
  const [one = 0, two = 0, three = 0] = takeAll(pool)
  nameOne(pool, one, 11)
  pool.release(Int32Array.of(three, two, one), 3)
  pool.hold(Int32Array.of(pool.find(11)), 1)
  pool.hold(Int32Array.of(pool.find(11)), 1)
  assert.equal(pool.free, 2)
  pool.release(Int32Array.of(one), 1)
  assert.equal(pool.free, 2)
  pool.release(Int32Array.of(one), 1)
  assert.deepEqual(takeAll(pool), [two, three, one])
})

test('of several blocks with one key the first answers, and the next when it is gone', () => {
  const pool = new BlockPool(3)
  const [one = 0, two = 0, three = 0] = takeAll(pool)
  for (const block of [one, two, three]) nameOne(pool, block, 7)
  assert.equal(pool.cachedKeys, 1)
  pool.release(Int32Array.of(three, one, two), 3)
  assert.equal(pool.find(7), one)
  takeOne(pool)
  assert.equal(pool.find(7), one)
  takeOne(pool)
  assert.equal(pool.find(7), three)
  takeOne(pool)
  assert.equal(pool.find(7), -1)
  assert.equal(pool.cachedKeys, 0)
})

test('an emptied pool is as new', () => {
  const pool = new BlockPool(4)
  for (const block of takeAll(pool)) nameOne(pool, block, block)
  pool.clear()
  assert.equal(pool.free, 4)
  assert.equal(pool.cachedKeys, 0)
  assert.deepEqual(takeAll(pool), takeAll(new BlockPool(4)))
})
