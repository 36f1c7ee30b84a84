import { type Arrival, chainOf } from '#deploy/simulator/pool/arrival.ts'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { stepTimes } from '#deploy/simulator/replica/step-time.ts'
import { exponential, logNormal, type Random } from './workloads/draws.ts'
import { keysOf } from './workloads/prompt.ts'
import { usualTokenMs, type Workload } from './workloads/workload.ts'

const blockTokens = 64
const kinds = 10
const sessionGapMs = 300
const turnsMin = 3
const turnsMax = 9

/** One replica, the same on the wire and in virtual time. */
export const wireReplica = {
  blockTokens,
  /** About half of what the sessions under way would like to keep. */
  blocks: 800,
  stepTokensMax: 8_192,
  sequencesMax: 64,
  stepTime: 'dynamo',
} as const

/** How long sessions begin, at a speed of 1. */
const spanMs = 120_000

/**
 * Small enough for four simulated replicas, a router and its callers on two cores: sessions of 3 to 9
 * turns after one of ten systems of 4,000 tokens, short answers, pauses of about a second. What costs
 * time is the prompt, so that who finds prefixes wins.
 *
 * @param slowness how many times as slow as published the engines are: the slower, the fewer calls a
 *   second are the same load, and the less the processes that carry them have to do.
 */
export function wireWorkload(slowness: number): Workload {
  return {
    title: 'Short sessions on the wire',
    blockTokens,
    replicas: 4,
    engine: {
      stepTime: stepTimes[wireReplica.stepTime],
      stepTokensMax: wireReplica.stepTokensMax,
      sequencesMax: wireReplica.sequencesMax,
      speed: 1 / slowness,
    },
    tokenMs: usualTokenMs * slowness,
    spanMs,
    arrivals: ({ seed, speed }) => sessionsOf(seed, { speed, untilMs: spanMs }),
  }
}

/** Those of so many milliseconds. */
export function sessionsOf(
  seed: number,
  { speed, untilMs }: { readonly speed: number; readonly untilMs: number },
): readonly Arrival[] {
  const random = pseudoRandom(seed)
  const all: Arrival[] = []
  let startMs = 0
  for (let session = 0; ; session++) {
    startMs += exponential(random, sessionGapMs / speed)
    if (startMs > untilMs) return all.toSorted((one, other) => one.atMs - other.atMs)
    all.push(...turnsOf(random, { session, startMs }))
  }
}

function turnsOf(
  random: Random,
  { session, startMs }: { readonly session: number; readonly startMs: number },
): Arrival[] {
  const kind = Math.floor(kinds * random() ** 2)
  const turns = Math.round(turnsMin + (turnsMax - turnsMin) * random())
  const calls: Arrival[] = []
  let own = 0
  for (let turn = 0; turn < turns; turn++) {
    own += Math.round(logNormal(random, { median: 900, sigma: 0.6, min: 100, max: 4_000 }))
    const keys = keysOf(
      [
        { id: kind, tokens: 4_000 },
        { id: kinds + session, tokens: own },
      ],
      blockTokens,
    )
    const before = calls.at(-1)
    const pauseMs = logNormal(random, { median: 800, sigma: 0.5, min: 200, max: 3_000 })
    calls.push({
      atMs: startMs,
      ...(before === undefined ? {} : { follows: { arrival: before, pauseMs } }),
      tokens: 4_000 + own,
      keys,
      chain: chainOf(keys),
      outputTokens: Math.round(logNormal(random, { median: 24, sigma: 0.4, min: 8, max: 80 })),
      tenant: 'default',
      class: 'interactive',
      adapter: '',
      session: `session-${session}`,
    })
  }
  return calls
}

/** Ids of the prompt: blocks are equal where their keys are. */
export function idsOf({ keys, tokens }: Arrival): number[] {
  const ids: number[] = []
  for (const key of keys) {
    const random = pseudoRandom((key % 2 ** 32) ^ Math.floor(key / 2 ** 32))
    for (let at = 0; at < blockTokens; at++) ids.push(Math.floor(random() * 100_000))
  }
  while (ids.length < tokens) ids.push(ids.length % 100_000)
  return ids
}
