import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { agents } from './agents.ts'
import { aggressorName } from './aggressor.ts'
import { exponential, logNormal, zipf } from './draws.ts'
import { keysOf } from './prompt.ts'
import type { Workload } from './workload.ts'
import { needsTrace, workloadNamed, workloadNames } from './workload-named.ts'

const generated = workloadNames.filter((name) => !needsTrace(name))
const named = (name: (typeof workloadNames)[number]) => workloadNamed(name, '')

function share(
  workload: Workload,
  isOne: (arrival: ReturnType<Workload['arrivals']>[number]) => boolean,
): number {
  const all = workload.arrivals({ seed: 1, speed: 1 })
  return all.filter(isOne).length / all.length
}

function near(actual: number, expected: number, part = 0.05): void {
  assert.ok(Math.abs(actual / expected - 1) < part, `${actual} is about ${expected}`)
}

test('equal draws give equal calls, other seeds others', () => {
  for (const name of ['agents', 'hot-prefix', 'burst'] as const) {
    const [one, same, other] = [1, 1, 2].map((seed) => {
      const all = named(name).arrivals({ seed, speed: 2 }).slice(0, 100)
      return all.map(({ atMs, tokens, outputTokens }) => [atMs, tokens, outputTokens].join(' '))
    })
    assert.deepEqual(one, same)
    assert.notDeepEqual(one, other)
  }
})

test('calls come in order, with a key for each full block and something to say', () => {
  for (const name of generated) {
    const { arrivals, blockTokens } = named(name)
    const all = arrivals({ seed: 3, speed: 1.5 })
    assert.ok(all.every(({ atMs }, at) => atMs >= (all[at - 1]?.atMs ?? 0)))
    assert.ok(
      all.every(
        ({ tokens, keys, chain }) =>
          keys.length === Math.floor(tokens / blockTokens) && chain.length === keys.length,
      ),
    )
    assert.ok(all.every(({ outputTokens }) => Number.isInteger(outputTokens) && outputTokens >= 1))
  }
})

test('twice the speed is half the time; what is asked stays', () => {
  for (const name of generated.filter((name) => name !== 'ladder' && !name.startsWith('agents'))) {
    const { arrivals } = named(name)
    const [one, twice] = [1, 2].map((speed) => arrivals({ seed: 1, speed }))
    near(one?.at(-1)?.atMs ?? 0, 2 * (twice?.at(-1)?.atMs ?? 0), 1e-6)
    assert.ok(one?.every(({ tokens }, at) => tokens === twice?.[at]?.tokens))
  }
})

test('parts of a prompt share keys as far as they are equal', () => {
  const part = fc.record({ id: fc.nat(3), tokens: fc.integer({ min: 1, max: 40 }) })
  const parts = fc.array(part, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(parts, parts, (common, rest) => {
      const short = keysOf(common, 8)
      const long = keysOf([...common, ...rest], 8)
      assert.deepEqual(long.subarray(0, short.length), short)
      assert.equal(new Set(long).size, long.length)
    }),
  )
})

test('an agent’s turn begins with the turn before it and its answer', () => {
  const turns = agents
    .arrivals({ seed: 1, speed: 1 })
    .filter(({ follows }) => follows !== undefined)
  assert.ok(turns.length > 5_000)
  for (const { follows, keys, tokens } of turns.slice(0, 500)) {
    const before = follows?.arrival
    const grown = [...(before?.keys ?? []), ...(before?.outputKeys ?? [])]
    assert.equal(before?.grownChain?.length, grown.length)
    assert.ok(tokens > (before?.tokens ?? 0) + (before?.outputTokens ?? 0))
    assert.ok(grown.every((key, at) => keys[at] === key))
  }
})

test('tools pause for 1 to 60 seconds', () => {
  const all = agents.arrivals({ seed: 2, speed: 1 })
  const pauses = all.flatMap(({ follows }) => follows?.pauseMs ?? []).toSorted((a, b) => a - b)
  assert.ok((pauses[0] ?? 0) >= 1_000 && (pauses.at(-1) ?? 0) <= 60_000)
  near(pauses[pauses.length >> 1] ?? 0, 3_000, 0.1)
})

test('six calls of ten have the hot prefix', () => {
  const counts = new Map<number, number>()
  const all = named('hot-prefix').arrivals({ seed: 1, speed: 1 })
  for (const { keys } of all) counts.set(keys[0] ?? -1, (counts.get(keys[0] ?? -1) ?? 0) + 1)
  near(Math.max(...counts.values()) / all.length, 0.6)
})

test('an aggressor sends ten times the calls of another, or prompts of 100,000 tokens', () => {
  const rate = share(named('aggressor-rate'), ({ tenant }) => tenant === aggressorName)
  near(rate / ((1 - rate) / 9), 10, 0.1)
  const all = named('aggressor-size').arrivals({ seed: 1, speed: 1 })
  for (const { tenant, tokens } of all) assert.equal(tokens >= 100_000, tenant === aggressorName)
})

test('in a burst calls come ten times as often', () => {
  const all = named('burst').arrivals({ seed: 1, speed: 1 })
  const span = (from: number, to: number) => (all[to]?.atMs ?? 0) - (all[from]?.atMs ?? 0)
  near(span(1_000, 2_200) / span(3_000, 4_200), 10, 0.15)
})

test('calls of one adapter share its instructions and nothing with others', () => {
  const all = named('adapters-200').arrivals({ seed: 1, speed: 1 })
  const firsts = new Map(all.map(({ adapter, keys }) => [adapter, keys[0]]))
  for (const { adapter, keys } of all) assert.equal(keys[0], firsts.get(adapter))
  assert.equal(new Set(firsts.values()).size, firsts.size)
})

test('draws have the means and bounds of their laws', () => {
  const random = pseudoRandom(1)
  const many = Array.from({ length: 20_000 })
  const gaps = many.map(() => exponential(random, 40))
  near(gaps.reduce((total, gap) => total + gap, 0) / gaps.length, 40)
  const law = { median: 100, sigma: 1, min: 50, max: 400 }
  const sizes = many.map(() => logNormal(random, law)).toSorted((a, b) => a - b)
  near(sizes[10_000] ?? 0, 100)
  assert.deepEqual([sizes[0], sizes.at(-1)], [50, 400])
  const ranks = zipf(random, 3)
  const counts = [0, 0, 0]
  for (const _ of many) {
    const rank = ranks()
    counts[rank] = (counts[rank] ?? 0) + 1
  }
  near((counts[0] ?? 0) / (counts[2] ?? 1), 3, 0.1)
})
