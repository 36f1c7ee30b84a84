import assert from 'node:assert/strict'
import { parseArgs } from 'node:util'
import type { Arrival } from '#deploy/simulator/pool/arrival.ts'
import { startPair } from '../../pair/harness.ts'
import { ReplicaProcess } from '../../pair/resume-servers.ts'
import { contestantNamed } from './contestants.ts'
import { runOnce } from './run-once.ts'
import { type Timed, timesOf } from './timed.ts'
import { idsOf, sessionsOf, wireReplica, wireWorkload } from './wire-workload.ts'

/**
 * A few policies over the same calls, in real time over HTTP and in virtual time; ends with 1 where the
 * order of their mean TTFT differs:
 *
 *     node test/bench/routing/wire.ts [--seconds 120] [--speed 1] [--seed 1] [--policies a,b,c]
 *
 * Four simulated servers in processes of their own behind a real ambassador, which is asked directly.
 * Takes so many seconds for each policy; nothing else should run beside it.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    speed: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    policies: { type: 'string', default: 'round-robin,llm-d-default,fair' },
  },
})
const seed = Number(values.seed)
const arrivals = sessionsOf(seed, {
  speed: Number(values.speed),
  untilMs: Number(values.seconds) * 1_000,
})
/** Orders this close are one: a second run could turn them round. */
const tieShare = 0.1

interface Figures {
  readonly ttft: Timed
  /** Cached tokens of all prompt tokens. */
  readonly hit: number
  readonly failed: number
}

interface Row {
  readonly policy: string
  readonly wire: Figures
  readonly virtual: Figures
}

/** What became of one call on the wire. */
interface Answered {
  readonly ttftMs: number
  readonly cachedTokens: number
}

const options = [
  ['--step-time', wireReplica.stepTime],
  ['--block-tokens', wireReplica.blockTokens],
  // One of them is the server's own.
  ['--blocks', wireReplica.blocks + 1],
  ['--context-tokens-max', 60_000],
  ['--step-tokens-max', wireReplica.stepTokensMax],
  ['--sequences-max', wireReplica.sequencesMax],
].flatMap((words) => words.map(String))

async function onWire(policy: string): Promise<Figures> {
  const starting = Array.from({ length: wireWorkload.replicas }, () =>
    new ReplicaProcess(options).start(),
  )
  const replicas = await Promise.all(starting)
  const interval = policy.startsWith('llm-d') ? '100ms' : '1s'
  const addresses = replicas.map(({ address }) => address)
  const pair = await startPair({
    provider: 0,
    pool: {
      replicas: { addresses, signals: { interval }, health: { interval: '1h' } },
      dispatch: { policy },
      tokens: { source: 'remote' },
      timeouts: { firstContent: '10m' },
    },
    ambassador: { callsMax: 10_000 },
  })
  try {
    await warmUp(pair.ambassador.port)
    return await driven(pair.ambassador.port)
  } finally {
    await pair.close()
    await Promise.all(replicas.map((replica) => replica.kill()))
  }
}

/** Compilers have seen the way of a call; the prompts are nobody's. */
async function warmUp(port: number): Promise<void> {
  for (let at = 0; at < 40; at++) {
    await ask(port, {
      prompt: [at, ...Array.from({ length: 200 }, (_, id) => id)],
      outputTokens: 8,
    })
  }
}

/** All calls at their times, each turn a pause after the end of the one before it. */
async function driven(port: number): Promise<Figures> {
  const followers = new Map<Arrival, Arrival>()
  for (const arrival of arrivals) {
    if (arrival.follows !== undefined) followers.set(arrival.follows.arrival, arrival)
  }
  const answers: Answered[] = []
  let failed = 0
  let tokens = 0
  const startMs = performance.now()
  const waitUntil = (atMs: number) =>
    new Promise((resolve) => setTimeout(resolve, startMs + atMs - performance.now()))
  const session = async (first: Arrival) => {
    await waitUntil(first.atMs)
    for (let call: Arrival | undefined = first; call !== undefined; call = followers.get(call)) {
      const prompt = idsOf(call)
      try {
        answers.push(await ask(port, { prompt, outputTokens: call.outputTokens }))
        tokens += call.tokens
      } catch {
        // Counted: a session that lost a turn goes on with the next.
        failed++
      }
      const pauseMs = followers.get(call)?.follows?.pauseMs ?? 0
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  await Promise.all(arrivals.filter(({ follows }) => follows === undefined).map(session))
  const cached = answers.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0)
  return { ttft: timesOf(answers.map(({ ttftMs }) => ttftMs)), hit: cached / tokens, failed }
}

interface Asked {
  readonly prompt: readonly number[]
  readonly outputTokens: number
}

async function ask(port: number, { prompt, outputTokens }: Asked): Promise<Answered> {
  const sentMs = performance.now()
  const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'tiny',
      prompt,
      max_tokens: outputTokens,
      stream: true,
      stream_options: { include_usage: true },
    }),
  })
  assert.ok(response.body !== null)
  let ttftMs = Number.NaN
  let text = ''
  for await (const chunk of response.body) {
    text += Buffer.from(chunk).toString('utf8')
    if (Number.isNaN(ttftMs) && text.includes('data: ')) ttftMs = performance.now() - sentMs
  }
  assert.ok(response.status === 200 && text.trimEnd().endsWith('data: [DONE]'), text.slice(0, 300))
  return { ttftMs, cachedTokens: Number(/"cached_tokens":\s*(\d+)/.exec(text)?.[1] ?? 0) }
}

function inVirtualTime(policy: string): Figures {
  const contestant = contestantNamed(policy)
  const kvTokens = wireReplica.blocks * wireReplica.blockTokens
  const scrapeMs = policy.startsWith('llm-d') ? 100 : 1_000
  const trial = { workload: wireWorkload, contestant, kvTokens, seed, speed: 1, scrapeMs }
  const { outcomes } = runOnce(trial, arrivals)
  const tokens = outcomes.reduce((sum, { arrival }) => sum + arrival.tokens, 0)
  const cached = outcomes.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0)
  const ttft = timesOf(outcomes.map(({ arrivedMs, firstTokenMs }) => firstTokenMs - arrivedMs))
  return { ttft, hit: cached / tokens, failed: 0 }
}

/** Best first. */
function order(rows: readonly Row[], of: (row: Row) => Figures): readonly Row[] {
  return rows.toSorted((one, other) => of(one).ttft.mean - of(other).ttft.mean)
}

/** Whether no two policies stand the other way round by more than a tie. */
function isSameOrder(rows: readonly Row[]): boolean {
  const isClose = (one: number, other: number) =>
    Math.abs(one - other) <= tieShare * Math.max(one, other)
  return rows.every((one) =>
    rows.every((other) => {
      const wire = [one.wire.ttft.mean, other.wire.ttft.mean] as const
      const virtual = [one.virtual.ttft.mean, other.virtual.ttft.mean] as const
      if (isClose(...wire) || isClose(...virtual)) return true
      return wire[0] < wire[1] === virtual[0] < virtual[1]
    }),
  )
}

function printed({ ttft, hit, failed }: Figures): string {
  const [mean, p50, p90, p99] = [ttft.mean, ttft.p50, ttft.p90, ttft.p99]
  const times = [mean, p50, p90, p99].map((ms) => `${ms.toFixed(0)} ms`).join(' | ')
  return `${times} | ${(hit * 100).toFixed(1)} % | ${failed}`
}

const rows: Row[] = []
for (const policy of values.policies.split(',')) {
  console.error(`${policy}: ${arrivals.length} calls`)
  const virtual = inVirtualTime(policy)
  rows.push({ policy, virtual, wire: await onWire(policy) })
}
console.log('| policy | time | TTFT mean | p50 | p90 | p99 | hit | failed |')
console.log('|---|---|---|---|---|---|---|---|')
for (const { policy, wire, virtual } of rows) {
  console.log(`| ${policy} | real, HTTP | ${printed(wire)} |`)
  console.log(`| ${policy} | virtual | ${printed(virtual)} |`)
}
const names = (of: (row: Row) => Figures) => order(rows, of).map(({ policy }) => policy)
console.log(`\nin real time: ${names(({ wire }) => wire).join(' < ')}`)
console.log(`in virtual time: ${names(({ virtual }) => virtual).join(' < ')}`)
const isSame = isSameOrder(rows)
console.log(isSame ? 'the order is the same' : 'the order differs')
process.exit(isSame ? 0 : 1)
