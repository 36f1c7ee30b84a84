import type { Arrival } from '#deploy/simulator/pool/arrival.ts'
import { startPair } from '../../pair/harness.ts'
import { ReplicaProcess } from '../../pair/resume-servers.ts'
import { contestantNamed } from './contestants.ts'
import { runOnce } from './run-once.ts'
import { timesOf } from './timed.ts'
import { type Busy, BusyWatch } from './wire-busy.ts'
import { Driver, type Seen, type Window } from './wire-drive.ts'
import { wireReplica, wireWorkload } from './wire-workload.ts'

/** One round of one policy. */
export interface Round {
  readonly policy: string
  readonly arrivals: readonly Arrival[]
  readonly window: Window
  readonly slowness: number
  readonly seed: number
}

export interface OnWire extends Seen {
  readonly busy: Busy
}

/** How often gauges are read. */
function scrapeMs(policy: string): number {
  return policy.startsWith('llm-d') ? 100 : 1_000
}

/** In real time, over HTTP: servers in processes of their own behind an ambassador, which is asked directly. */
export async function onWire({ policy, arrivals, window, slowness }: Round): Promise<OnWire> {
  const starting = Array.from({ length: wireWorkload(slowness).replicas }, () =>
    new ReplicaProcess(replicaOptions(slowness)).start(),
  )
  const replicas = await Promise.all(starting)
  const addresses = replicas.map(({ address }) => address)
  const signals = { interval: `${scrapeMs(policy)}ms` }
  const pair = await startPair({
    provider: 0,
    pool: {
      replicas: { addresses, signals, health: { interval: '1h' } },
      dispatch: { policy },
      tokens: { source: 'remote' },
      timeouts: { firstContent: '10m' },
    },
    ambassador: { callsMax: 10_000 },
  })
  try {
    const driver = new Driver(pair.ambassador.port, window)
    await driver.warmUp()
    const watch = new BusyWatch(pair.ambassador.pid, [pair.sidecar.pid])
    const seen = await driver.drive(arrivals)
    return { ...seen, busy: watch.end() }
  } finally {
    await pair.close()
    await Promise.all(replicas.map((replica) => replica.kill()))
  }
}

function replicaOptions(slowness: number): string[] {
  return [
    ['--step-time', wireReplica.stepTime],
    ['--speed', 1 / slowness],
    ['--block-tokens', wireReplica.blockTokens],
    // One of them is the server's own.
    ['--blocks', wireReplica.blocks + 1],
    ['--context-tokens-max', 60_000],
    ['--step-tokens-max', wireReplica.stepTokensMax],
    ['--sequences-max', wireReplica.sequencesMax],
  ].flatMap((words) => words.map(String))
}

/** The same calls in virtual time. */
export function inVirtualTime(round: Round): Pick<Seen, 'ttft' | 'hit'> {
  const { policy, arrivals, window, slowness, seed } = round
  const kvTokens = wireReplica.blocks * wireReplica.blockTokens
  const contestant = contestantNamed(policy)
  const workload = wireWorkload(slowness)
  const trial = { workload, contestant, kvTokens, seed, speed: 1, scrapeMs: scrapeMs(policy) }
  const counted = runOnce(trial, arrivals).outcomes.filter(({ arrivedMs }) => {
    return arrivedMs >= window.fromMs && arrivedMs <= window.untilMs
  })
  const tokens = counted.reduce((sum, { arrival }) => sum + arrival.tokens, 0)
  const cached = counted.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0)
  const ttft = timesOf(counted.map(({ arrivedMs, firstTokenMs }) => firstTokenMs - arrivedMs))
  return { ttft, hit: cached / tokens }
}
