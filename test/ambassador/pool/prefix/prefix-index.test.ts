import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Chain } from '#ambassador/pool/prefix/chain.ts'
import { ChainBuilder } from '#ambassador/pool/prefix/hash.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'

/** One letter is one block. */
function chainOf(letters: string): Chain {
  const builder = new ChainBuilder({ blockTokens: 1, seed: [1, 2] })
  builder.push(Array.from(letters, (letter) => letter.charCodeAt(0)))
  return builder.chain()
}

function indexOf(capacity: number, slots = 1): PrefixIndex {
  const index = new PrefixIndex({ blocksMax: 1_000 })
  for (let slot = 0; slot < slots; slot += 1) index.open(slot, capacity)
  return index
}

function lengths(index: PrefixIndex, prompts: string[], slot = 0): number[] {
  const into = new Int32Array(4)
  return prompts.map((prompt) => {
    index.match(chainOf(prompt), into)
    return into[slot] ?? -1
  })
}

/** Sends calls that end at once. */
function send(index: PrefixIndex, prompts: string[], slot = 0): void {
  for (const prompt of prompts) index.release(index.hold(chainOf(prompt), slot))
}

test('a prompt is found as far as each replica holds it', () => {
  const index = indexOf(100, 3)
  send(index, ['abcdef'], 0)
  send(index, ['abcxyz'], 1)
  const into = new Int32Array(3)
  assert.equal(index.match(chainOf('abcdxx'), into), 4)
  assert.deepEqual([...into], [4, 3, 0])
  assert.equal(index.match(chainOf('zabc'), into), 0)
  assert.deepEqual([...into], [0, 0, 0])
})

test('two replicas share the hashes of what both hold', () => {
  const index = indexOf(100, 2)
  send(index, ['abcdef'], 0)
  send(index, ['abcdef', 'abcxyz'], 1)
  assert.deepEqual([index.held(0), index.held(1)], [6, 9])
  assert.deepEqual({ ...index.size, bytes: 0 }, { runs: 3, copies: 5, hashes: 9, bytes: 0 })
})

test('what was freed first goes first, from its last block', () => {
  const index = indexOf(8)
  send(index, ['abcd', 'pqrs', 'x'])
  assert.deepEqual(lengths(index, ['abcd', 'pqrs', 'x']), [3, 4, 1])
  send(index, ['yz'])
  assert.deepEqual(lengths(index, ['abcd', 'pqrs', 'x', 'yz']), [1, 4, 1, 2])
})

test('what is found goes to the end of the line again', () => {
  const index = indexOf(8)
  send(index, ['abcd', 'pqrs', 'abcd', 'xyz'])
  assert.deepEqual(lengths(index, ['abcd', 'pqrs', 'xyz']), [4, 1, 3])
})

test('a shorter prompt makes only its own blocks younger', () => {
  const index = indexOf(8)
  send(index, ['abcd', 'pqrs', 'ab', 'xyz'])
  // c and d went first, then the end of pqrs; a and b were used last.
  assert.deepEqual(lengths(index, ['abcd', 'pqrs', 'xyz']), [2, 3, 3])
})

test('the shared part of two prompts goes after both ends', () => {
  const index = indexOf(7)
  send(index, ['abcd', 'abxyz'])
  send(index, ['123'])
  assert.deepEqual(lengths(index, ['abcd', 'abxyz', '123']), [2, 4, 3])
  send(index, ['45'])
  assert.deepEqual(lengths(index, ['abcd', 'abxyz', '123', '45']), [2, 2, 3, 2])
})

test('a hold tells how many blocks were there when it began', () => {
  const index = indexOf(100)
  const first = index.hold(chainOf('abcd'), 0)
  assert.equal(first.found, 0)
  const second = index.hold(chainOf('abxyz'), 0)
  assert.deepEqual([second.found, second.blocks], [2, 5])
  assert.deepEqual([index.live(0), index.held(0)], [7, 7])
  index.release(first)
  assert.deepEqual([index.live(0), index.held(0)], [5, 7])
  index.release(second)
  assert.deepEqual([index.live(0), index.held(0)], [0, 7])
})

test('what live calls hold stays, even beyond the capacity', () => {
  const index = indexOf(5)
  const first = index.hold(chainOf('abcd'), 0)
  const second = index.hold(chainOf('pqrs'), 0)
  assert.deepEqual([index.live(0), index.held(0)], [8, 8])
  index.release(first)
  assert.deepEqual([index.live(0), index.held(0)], [4, 5])
  assert.deepEqual(lengths(index, ['abcd', 'pqrs']), [1, 4])
  index.release(second)
  assert.deepEqual([index.live(0), index.held(0)], [0, 5])
})

test('reserved blocks push out what nobody holds', () => {
  const index = indexOf(6)
  send(index, ['abcd'])
  const hold = index.hold(chainOf('xy'), 0)
  index.reserve(0, 3)
  assert.deepEqual(lengths(index, ['abcd', 'xy']), [1, 2])
  index.reserve(0, 10)
  assert.deepEqual([index.held(0), index.live(0), index.reserved(0)], [2, 2, 10])
  index.release(hold)
  assert.equal(index.held(0), 0)
})

test('a smaller capacity pushes out, a larger brings nothing back', () => {
  const index = indexOf(6)
  send(index, ['abcdef'])
  index.resize(0, 2)
  index.resize(0, 6)
  assert.deepEqual(lengths(index, ['abcdef']), [2])
  assert.equal(index.capacity(0), 6)
})

test('generated tokens are found by the next turn', () => {
  const index = indexOf(100)
  const hold = index.hold(chainOf('abc'), 0)
  index.extend(hold, chainOf('abcdef'))
  assert.deepEqual([hold.found, hold.blocks, index.live(0)], [0, 6, 6])
  index.release(hold)
  assert.deepEqual(lengths(index, ['abcdefgh']), [6])
})

test('the turns of a conversation become one run, until another prompt leaves it', () => {
  const index = indexOf(100)
  send(index, ['abc', 'abcdef', 'abcdefghi'])
  assert.deepEqual({ ...index.size, bytes: 0 }, { runs: 1, copies: 1, hashes: 9, bytes: 0 })
  send(index, ['abcdx'])
  assert.deepEqual({ ...index.size, bytes: 0 }, { runs: 3, copies: 3, hashes: 10, bytes: 0 })
  assert.deepEqual(lengths(index, ['abcdefghi', 'abcdx', 'abc']), [9, 5, 3])
})

test('a run that is split under a live hold is released whole', () => {
  const index = indexOf(100)
  const hold = index.hold(chainOf('abcdef'), 0)
  const other = index.hold(chainOf('abx'), 0)
  const third = index.hold(chainOf('a'), 0)
  index.release(hold)
  assert.equal(index.live(0), 3)
  index.release(third)
  assert.equal(index.live(0), 3)
  index.release(other)
  assert.equal(index.live(0), 0)
})

test('a second release does nothing', () => {
  const index = indexOf(100)
  const hold = index.hold(chainOf('abc'), 0)
  const other = index.hold(chainOf('abc'), 0)
  index.release(hold)
  index.release(hold)
  assert.equal(index.live(0), 3)
  index.release(other)
})

test('a replica that leaves takes everything along, and its holds are void', () => {
  const index = indexOf(100, 2)
  const hold = index.hold(chainOf('abc'), 0)
  send(index, ['abcdef', 'xyz'], 0)
  send(index, ['abcd'], 1)
  index.close(0)
  index.open(0, 50)
  const next = index.hold(chainOf('ab'), 0)
  index.extend(hold, chainOf('abcd'))
  index.audit(hold, 0)
  index.release(hold)
  assert.deepEqual([index.live(0), index.held(0), index.held(1)], [2, 2, 4])
  index.release(next)
  index.close(0)
  index.close(1)
  assert.deepEqual({ ...index.size, bytes: 0 }, { runs: 0, copies: 0, hashes: 0, bytes: 0 })
})

test('what the replica did not find is forgotten with all that went on from it', () => {
  const index = indexOf(100)
  send(index, ['abcd12', 'abcd34', 'abxy'])
  const hold = index.hold(chainOf('abcd12'), 0)
  assert.equal(hold.found, 6)
  index.audit(hold, 3)
  assert.deepEqual(lengths(index, ['abcd12', 'abcd34', 'abxy']), [6, 4, 4])
})

test('an audit leaves what others hold, and what they computed since', () => {
  const index = indexOf(100)
  send(index, ['ab12', 'ab34', 'ab56'])
  const other = index.hold(chainOf('ab34'), 0)
  const hold = index.hold(chainOf('ab78'), 0)
  send(index, ['ab56'])
  index.audit(hold, 0)
  assert.deepEqual(lengths(index, ['ab12', 'ab34', 'ab56', 'ab78']), [2, 4, 4, 4])
  index.release(other)
  index.release(hold)
})

test('an audit that finds what was believed changes nothing', () => {
  const index = indexOf(100)
  send(index, ['ab12'])
  const hold = index.hold(chainOf('ab34'), 0)
  index.audit(hold, 2)
  assert.deepEqual(lengths(index, ['ab12', 'ab34']), [4, 4])
})

test('an audit of one replica leaves the others', () => {
  const index = indexOf(100, 2)
  send(index, ['abcd'], 0)
  send(index, ['abcd'], 1)
  index.audit(index.hold(chainOf('ab'), 0), 0)
  assert.deepEqual(lengths(index, ['abcd'], 0), [2])
  assert.deepEqual(lengths(index, ['abcd'], 1), [4])
})

test('an audit stops after ten thousand runs and leaves nothing without its beginning', () => {
  const index = new PrefixIndex({ blocksMax: 100_000 })
  index.open(0, 100_000)
  const letters = Array.from({ length: 150 }, (_, at) => String.fromCharCode(200 + at))
  for (const first of letters)
    send(
      index,
      letters.map((second) => `a${first}${second}`),
    )
  index.audit(index.hold(chainOf('a'), 0), 0)
  const left = index.held(0)
  assert(left > 1 && left <= 1 + 150 + 150 * 150 - 9_000, `${left} left`)
  index.close(0)
  assert.deepEqual({ ...index.size, bytes: 0 }, { runs: 0, copies: 0, hashes: 0, bytes: 0 })
})

test('beyond the bound over all replicas the fullest gives its oldest', () => {
  const index = new PrefixIndex({ blocksMax: 10 })
  index.open(0, 100)
  index.open(1, 100)
  send(index, ['abcdef'], 0)
  send(index, ['abc'], 1)
  const hold = index.hold(chainOf('pqrs'), 1)
  assert.deepEqual([index.held(0), index.held(1), index.blocks], [3, 7, 10])
  assert.deepEqual(lengths(index, ['abcdef'], 0), [3])
  index.hold(chainOf('0123456789'), 1)
  assert.deepEqual([index.held(0), index.held(1)], [0, 14])
  index.release(hold)
  assert.deepEqual([index.held(0), index.held(1)], [0, 10])
})

test('a prompt without a full block holds nothing', () => {
  const index = indexOf(10)
  const hold = index.hold(chainOf(''), 0)
  assert.deepEqual([hold.found, hold.blocks, index.held(0)], [0, 0, 0])
  index.extend(hold, chainOf('ab'))
  assert.equal(index.live(0), 2)
  index.release(hold)
  assert.equal(index.live(0), 0)
})

test('what a call would have added is taken back, and only that', () => {
  const index = indexOf(100)
  send(index, ['abcd'])
  const refused = index.hold(chainOf('abcdefgh'), 0)
  index.takeBack(refused)
  assert.deepEqual(lengths(index, ['abcdefgh']), [4])
  assert.deepEqual([index.held(0), index.live(0)], [4, 0])
  index.takeBack(refused)
  index.release(refused)
  assert.equal(index.held(0), 4)
})

test('what another call holds or has had computed stays when one is taken back', () => {
  const index = indexOf(100)
  const refused = index.hold(chainOf('abcdef'), 0)
  const other = index.hold(chainOf('abcdxy'), 0)
  index.takeBack(refused)
  assert.deepEqual(lengths(index, ['abcdef', 'abcdxy']), [4, 6])
  index.release(other)
  const late = index.hold(chainOf('pq'), 0)
  send(index, ['pqrs'])
  index.takeBack(late)
  assert.deepEqual(lengths(index, ['abcdxy', 'pqrs']), [6, 4])
})
