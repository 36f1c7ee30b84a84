import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { samplesOf } from '#ambassador/pool/decisions/prefix-samples.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'
import { PrefixPaths } from '#deploy/simulator/replay/prefix-paths.ts'

/** Blocks of which each stands for all before it, as in a hash chain. */
function prompt(shared: number, own: number, id: number): Float64Array {
  return Float64Array.from({ length: shared + own }, (_, at) =>
    at < shared ? at + 1 : id * 1_000_000 + at,
  )
}

function sharedBlocks(one: Float64Array, other: Float64Array): number {
  const at = one.findIndex((key, index) => key !== other[index])
  return at < 0 ? one.length : at
}

test('a turn that goes on where the one before ended shares all of it, however long both are', () => {
  const paths = new PrefixPaths()
  const turns = [90, 131, 300, 1_001, 4_321].map((length) => prompt(length, 0, 0))
  let before: Float64Array | undefined
  for (const turn of turns) {
    const samples = samplesOf(chainOf(turn), [before?.length ?? 0, turn.length])
    const keys = paths.keysOf(samples, turn.length)
    assert.equal(new Set(keys).size, turn.length)
    if (before !== undefined) assert.equal(sharedBlocks(before, keys), before.length)
    before = keys
  }
})

test('what is shared is never more than there was, and less by a step of the longer one at most', () => {
  const length = fc.integer({ min: 0, max: 600 })
  fc.assert(
    fc.property(length, length, length, (shared, oneOwn, otherOwn) => {
      const paths = new PrefixPaths()
      const prompts = [prompt(shared, oneOwn, 1), prompt(shared, otherOwn, 2)]
      const samples = prompts.map((keys) => samplesOf(chainOf(keys), [keys.length]))
      const [one, other] = prompts.map((keys, at) => {
        return paths.keysOf(samples[at] ?? assert.fail(), keys.length)
      })
      assert.ok(one && other)
      const found = Math.min(sharedBlocks(one, other), sharedBlocks(other, one))
      const step = Math.max(...samples.map(({ step }) => step))
      assert.ok(found <= shared, `${found} of ${shared}`)
      assert.ok(found > shared - step, `${found} of ${shared}`)
    }),
    { numRuns: 200 },
  )
})

test('blocks of which nothing was told are shared with nobody', () => {
  const paths = new PrefixPaths()
  const none = { step: 1, hashes: [], marks: [] }
  assert.equal(sharedBlocks(paths.keysOf(none, 5), paths.keysOf(none, 5)), 0)
})
