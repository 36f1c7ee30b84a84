import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'

/** A prompt of so many blocks that begins as no other one. */
function prompt(number: number, blocks: number) {
  return chainOf(Float64Array.from({ length: blocks }, (_, at) => number * 100_000 + at + 1))
}

test('complaint 6: the index holds no more than it may, whatever is sent', () => {
  const blocksMax = 4_096
  const index = new PrefixIndex({ blocksMax })
  for (let slot = 0; slot < 4; slot++) index.open(slot, 100_000)
  let most = 0
  for (let number = 0; number < 400; number++) {
    index.release(index.hold(prompt(number, 64), number % 4))
    most = Math.max(most, index.blocks)
  }
  const { bytes } = index.size
  assert.ok(most <= blocksMax, String(most))
  for (let number = 400; number < 2_000; number++) {
    index.release(index.hold(prompt(number, 64), number % 4))
  }
  assert.ok(index.blocks <= blocksMax)
  assert.ok(index.size.bytes <= bytes * 2, `${index.size.bytes} after ${bytes}`)
})

test('complaint 7: 100,000 tokens on 64 replicas are one run, and looked up as one', () => {
  const index = new PrefixIndex({ blocksMax: 1_000_000 })
  const chain = prompt(1, 6_250)
  for (let slot = 0; slot < 64; slot++) {
    index.open(slot, 10_000)
    index.release(index.hold(chain, slot))
  }
  const { runs, copies, hashes } = index.size
  assert.deepEqual([runs, copies, hashes], [1, 64, 6_250])
  const found = new Int32Array(64)
  index.match(chain, found)
  assert.deepEqual(new Set(found), new Set([6_250]))
})
