import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Recency, SentPrefixes } from '../../../../ambassador/pool/policies/sent-prefixes.ts'
import { chainOf } from './pool-doubles.ts'

function indexOf(recency: Recency = 'head-oldest', stride = 1) {
  const index = new SentPrefixes({ stride, recency })
  return {
    index,
    send: (word: string, slot: number, capacity = 100) =>
      index.record(chainOf(word), { slot, blocksMax: 100, capacity }),
    matched: (word: string, slot: number) => {
      index.match(chainOf(word))
      return index.matched(slot)
    },
  }
}

test('a replica holds what it was sent up to where the prompts part', () => {
  const { send, matched } = indexOf()
  send('abc', 0)
  send('abd', 1)
  assert.equal(matched('abce', 0), 3)
  assert.equal(matched('abce', 1), 2)
  assert.equal(matched('xbc', 0), 0)
  assert.equal(matched('abc', 7), 0)
})

test('the block used longest ago goes first, and of one prompt its head', () => {
  const { index, send, matched } = indexOf()
  send('ab', 0, 3)
  send('xy', 0, 3)
  assert.equal(index.size(0), 3)
  // The head of the first is gone, so that nothing of it is found.
  assert.equal(matched('ab', 0), 0)
  assert.equal(matched('xy', 0), 2)
})

test('use keeps a block', () => {
  const { send, matched } = indexOf()
  send('a', 0, 2)
  send('x', 0, 2)
  send('a', 0, 2)
  send('y', 0, 2)
  assert.equal(matched('a', 0), 1)
  assert.equal(matched('x', 0), 0)
})

test('where the head is the newest, the tail of a prompt goes first', () => {
  const { send, matched } = indexOf('head-newest')
  send('abc', 0, 4)
  send('xy', 0, 4)
  assert.equal(matched('abc', 0), 2)
})

test('a block behind a gap counts where another replica holds what is between', () => {
  const { send, matched } = indexOf()
  send('abc', 0, 2)
  assert.equal(matched('abc', 0), 0)
  send('a', 1)
  assert.equal(matched('abc', 0), 2)
})

test('a prompt longer than the capacity leaves its last blocks', () => {
  const { index, send, matched } = indexOf()
  send('abcdef', 0, 2)
  send('abcdef', 1, 6)
  assert.equal(index.size(0), 2)
  assert.equal(matched('abcdef', 0), 2)
})

test('a replica that has left holds nothing, and the others keep theirs', () => {
  const { index, send, matched } = indexOf()
  send('abc', 0)
  send('abc', 1)
  index.forget(0)
  index.forget(5)
  assert.equal(index.size(0), 0)
  assert.equal(matched('abc', 0), 0)
  assert.equal(matched('abc', 1), 3)
  send('ab', 0)
  assert.equal(matched('abc', 0), 2)
})

test('what was matched before an eviction is not taken for what is there', () => {
  const { index, send, matched } = indexOf()
  const chain = chainOf('ab')
  send('ab', 0)
  index.match(chain)
  index.forget(0)
  index.record(chain, { slot: 1, blocksMax: 9, capacity: 9 })
  assert.equal(matched('ab', 1), 2)
})

test('of those that hold the deepest block it tells who was sent it first', () => {
  const { index, send } = indexOf()
  assert.equal(index.match(chainOf('abc')), 0)
  assert.equal(index.firstHolder(), undefined)
  send('a', 2)
  send('ab', 1)
  send('ab', 0)
  assert.equal(index.match(chainOf('abc')), 2)
  assert.equal(index.firstHolder(), 1)
  index.forget(1)
  index.match(chainOf('abc'))
  assert.equal(index.firstHolder(), 0)
})

test('with a stride of three only every third block of a chain is kept', () => {
  const { index, send, matched } = indexOf('head-oldest', 3)
  send('abcdefgh', 0)
  assert.equal(index.size(0), 2)
  assert.equal(matched('abcdef', 0), 2)
  assert.equal(matched('abcdx', 0), 1)
})

test('it agrees with a plain LRU of prefixes for any traffic', () => {
  const traffic = fc.array(
    fc.record({
      word: fc.stringMatching(/^[ab]{0,6}$/),
      slot: fc.nat(2),
      capacity: fc.integer({ min: 1, max: 9 }),
      leaves: fc.option(fc.nat(2), { freq: 6 }),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(
      traffic,
      fc.constantFrom<Recency>('head-oldest', 'head-newest'),
      (sent, recency) => {
        const { index, send } = indexOf(recency)
        const plain = [new Set<string>(), new Set<string>(), new Set<string>()]
        for (const { word, slot, capacity, leaves } of sent) {
          if (leaves !== null) {
            index.forget(leaves)
            plain[leaves]?.clear()
          }
          const depth = index.match(chainOf(word))
          const prefixes = Array.from(word, (_, at) => word.slice(0, at + 1))
          const missing = prefixes.findIndex((prefix) => !plain.some((held) => held.has(prefix)))
          assert.equal(depth, missing < 0 ? word.length : missing)
          const seen = prefixes.slice(0, depth)
          for (const [at, held] of plain.entries()) {
            assert.equal(index.matched(at), seen.filter((prefix) => held.has(prefix)).length)
          }
          send(word, slot, capacity)
          usePlain(
            plain[slot] ?? new Set(),
            recency === 'head-oldest' ? prefixes : prefixes.toReversed(),
            capacity,
          )
          assert.equal(index.size(slot), plain[slot]?.size)
        }
      },
    ),
  )
})

function usePlain(held: Set<string>, prefixes: readonly string[], capacity: number): void {
  for (const prefix of prefixes) {
    held.delete(prefix)
    held.add(prefix)
  }
  for (const prefix of held) {
    if (held.size <= capacity) return
    held.delete(prefix)
  }
}
