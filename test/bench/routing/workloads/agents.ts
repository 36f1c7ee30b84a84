import { type Arrival, chainOf } from '#deploy/simulator/pool/arrival.ts'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { exponential, logNormal, type Random } from './draws.ts'
import { keysOf } from './prompt.ts'
import {
  type Draw,
  generatedBlockTokens,
  usualEngine,
  usualTokenMs,
  type Workload,
} from './workload.ts'

const kinds = 40
const sessions = 900
const sessionGapMs = 500
const turnsMin = 5
const turnsMax = 30
const contextMax = 100_000
/** About what a token of an answer takes, for when a turn would come if nothing were slow. */
const nominalTokenMs = 20

interface Turn {
  readonly promptTokens: number
  readonly outputTokens: number
  readonly pauseMs: number
}

/**
 * Agents: each session has the instructions and tools of its kind before it (4,000 to 8,000 tokens),
 * 5 to 30 turns which grow by what a tool gave and by the model's own answers, and between them the
 * pauses of tools: log-normal, 1 to 60 s, median 3 s. A turn comes a pause after the answer before it
 * has ended, so a slow pool is asked later.
 */
export const agents: Workload = {
  title: 'Agents of 5–30 turns with tool pauses',
  blockTokens: generatedBlockTokens,
  replicas: 8,
  engine: usualEngine,
  tokenMs: usualTokenMs,
  spanMs: sessions * sessionGapMs,
  arrivals,
}

function arrivals({ seed, speed }: Draw): readonly Arrival[] {
  const random = pseudoRandom(seed)
  const systems = Array.from({ length: kinds }, () => Math.round(4_000 + 4_000 * random()))
  const all: Arrival[] = []
  let startMs = 0
  for (let session = 0; session < sessions; session++) {
    startMs += exponential(random, sessionGapMs)
    const kind = Math.floor(kinds * random() ** 2)
    const turns = turnsOf(random, systems[kind] ?? 0)
    const parts = { kind, systemTokens: systems[kind] ?? 0, session }
    all.push(...callsOf(turns, { ...parts, startMs: startMs / speed }))
  }
  return all.toSorted((one, other) => one.atMs - other.atMs)
}

function turnsOf(random: Random, systemTokens: number): Turn[] {
  const turns: Turn[] = []
  const count = Math.round(turnsMin + (turnsMax - turnsMin) * random() ** 2)
  let context = systemTokens
  while (turns.length < count) {
    const added = logNormal(random, { median: 700, sigma: 1, min: 30, max: 12_000 })
    const answer = logNormal(random, { median: 180, sigma: 0.8, min: 10, max: 2_000 })
    const pauseMs = logNormal(random, { median: 3_000, sigma: 1, min: 1_000, max: 60_000 })
    const promptTokens = context + Math.round(added)
    const outputTokens = Math.round(answer)
    context = promptTokens + outputTokens
    if (context > contextMax) break
    turns.push({ promptTokens, outputTokens, pauseMs })
  }
  return turns
}

interface Session {
  readonly kind: number
  readonly systemTokens: number
  readonly session: number
  readonly startMs: number
}

function callsOf(
  turns: readonly Turn[],
  { kind, systemTokens, session, startMs }: Session,
): Arrival[] {
  const last = turns.at(-1)
  if (last === undefined) return []
  const own = last.promptTokens + last.outputTokens - systemTokens
  const parts = [
    { id: kind, tokens: systemTokens },
    { id: kinds + session, tokens: own },
  ]
  const keys = keysOf(parts, generatedBlockTokens)
  const chain = chainOf(keys)
  const upTo = (blocks: number) => ({
    length: blocks,
    low: chain.low.subarray(0, blocks),
    high: chain.high.subarray(0, blocks),
  })
  const calls: Arrival[] = []
  let atMs = startMs
  for (const { promptTokens, outputTokens, pauseMs } of turns) {
    const asked = Math.floor(promptTokens / generatedBlockTokens)
    // The last token of an answer is not computed, so it fills no block.
    const grown = Math.floor((promptTokens + outputTokens - 1) / generatedBlockTokens)
    const before = calls.at(-1)
    calls.push({
      atMs,
      ...(before === undefined ? {} : { follows: { arrival: before, pauseMs } }),
      tokens: promptTokens,
      keys: keys.subarray(0, asked),
      chain: upTo(asked),
      outputTokens,
      outputKeys: keys.subarray(asked, grown),
      grownChain: upTo(grown),
      tenant: 'default',
      class: 'interactive',
      adapter: '',
      session: `session-${session}`,
    })
    atMs += outputTokens * nominalTokenMs + pauseMs
  }
  return calls
}

/** The same, and in the middle third of the run the pool is without one of its replicas. */
export const agentsLosingOne: Workload = {
  ...agents,
  title: 'Agents, a replica lost at a third of the run and a cold one joining at two thirds',
  disturbances: (spanMs) => [
    { atMs: spanMs / 3, slot: 3, kind: 'lost' },
    { atMs: (spanMs * 2) / 3, slot: 3, kind: 'joins' },
  ],
}
