import { test } from 'node:test'
import { assertFigures } from '../ambassador/quota/figures.ts'
import { scenarios } from '../ambassador/quota/scenarios.ts'
import { simulate } from '../ambassador/quota/simulation.ts'

const hourMs = 3_600_000

/** Truth times these: off by chance on both sides, and all too low. */
const estimates = [
  [0.8, 1.2],
  [0.8, 0.8],
] as const

for (const [name, scenario] of Object.entries(scenarios)) {
  for (const estimate of estimates) {
    test(`${name}: an hour at three times the limit, estimates ${estimate.join(' to ')}`, async (t) => {
      const seed = Date.now() % 2 ** 31
      const figures = await simulate({ ...scenario, durationMs: hourMs, estimate, seed })
      t.diagnostic(`seed ${seed}: ${JSON.stringify(figures)}`)
      assertFigures(figures)
    })
  }
}
