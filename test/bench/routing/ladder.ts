import { type Arrival, chainOf } from '#deploy/simulator/pool/arrival.ts'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'

/** Tokens in a block of the ladder's prompts. */
export const ladderBlockTokens = 64

/** Requests a second and seconds, as `guide_optimized-baseline_1` of llm-d-benchmark has them. */
const stages: readonly (readonly [number, number])[] = [
  [15, 50],
  [3, 20],
  [10, 20],
  [15, 20],
  [20, 38],
  [22, 34],
  [25, 30],
  [30, 25],
  [35, 21],
  [40, 38],
  [43, 36],
  [46, 33],
  [49, 30],
  [52, 29],
  [55, 27],
  [57, 26],
  [60, 25],
]
const pauseMs = 30_000
const groups = 150
const promptsInGroup = 5
const systemTokens = 6_000
const questionTokens = 1_200
const outputTokens = 1_000

/** What its stages and the pauses between them span. */
export const ladderSpanMs =
  stages.reduce((total, [, seconds]) => total + seconds * 1_000, 0) + (stages.length - 1) * pauseMs

/**
 * The workload of llm-d's headline figures: 150 groups of 5 prompts, each a shared system prompt of
 * 6,000 tokens and a question of 1,200, answers of 1,000, Poisson arrivals in 17 stages.
 */
export function ladder(seed: number): readonly Arrival[] {
  const random = pseudoRandom(seed)
  const prompts = Array.from({ length: groups * promptsInGroup }, (_, at) => promptOf(at))
  const arrivals: Arrival[] = []
  let startMs = 0
  for (const [rate, seconds] of stages) {
    const endMs = startMs + seconds * 1_000
    for (let atMs = startMs; ; ) {
      atMs += (-Math.log(1 - random()) / rate) * 1_000
      if (atMs >= endMs) break
      const prompt = prompts[Math.floor(random() * prompts.length)]
      if (prompt !== undefined) arrivals.push({ ...prompt, atMs })
    }
    startMs = endMs + pauseMs
  }
  return arrivals
}

function promptOf(at: number): Omit<Arrival, 'atMs'> {
  const group = Math.floor(at / promptsInGroup)
  const tokens = systemTokens + questionTokens
  const shared = Math.floor(systemTokens / ladderBlockTokens)
  const keys = Float64Array.from({ length: Math.floor(tokens / ladderBlockTokens) }, (_, block) =>
    block < shared ? 1 + group * 1_000 + block : 1_000_000 + at * 1_000 + block,
  )
  return {
    tokens,
    keys,
    chain: chainOf(keys),
    outputTokens,
    tenant: 'default',
    class: 'interactive',
    adapter: '',
    session: '',
  }
}
