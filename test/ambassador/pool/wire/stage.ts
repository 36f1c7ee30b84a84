import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startAmbassador } from '#ambassador/start.ts'
import type { ReplicaOptions } from '#deploy/simulator/options.ts'
import type { Replica } from '#deploy/simulator/server.ts'
import { ambassadorSecrets } from '#shared/config/secrets.ts'
import { watchConfig } from '#shared/config/watch.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { type ManualClock, manualClock } from '../../../manual-clock.ts'
import { open, replicaClock, tiny, until } from '../../../simulator/client.ts'

/** What statusz says of a replica, as far as these tests look at it. */
interface ReplicaStatus {
  readonly origin: string
  readonly inFlight: number
  readonly leftOut?: string
  readonly sleep?: string
  readonly ageMs?: number
}

/** A stream as its caller has it so far. */
export interface Stream {
  readonly response: IncomingMessage
  text: string
  isOver: boolean
}

/** Simulated replicas behind an ambassador, over HTTP, on one clock that moves only when told. */
export interface Wire {
  readonly clock: ManualClock
  readonly replicas: readonly Replica[]
  readonly first: Replica
  /** Where the ambassador listens. */
  readonly port: number
  /** Asks for a streamed chat; resolves with its head, which comes with the first content. */
  ask(name: string, more?: object): Promise<Stream>
  /** The one that answers, and the others. */
  servedBy(stream: Stream): { readonly one: Replica; readonly others: readonly Replica[] }
  /** Lets time pass, second by second, each with a page of every replica, until `isIt`; gives the seconds. */
  passUntil(isIt: () => boolean, secondsMax?: number): Promise<number>
  /** Lets time pass until there is an answer. */
  during<T>(answer: Promise<T>): Promise<T>
  /** Lets so many seconds pass. */
  pass(seconds: number): Promise<void>
  /** Why a replica is left out; undefined where it is not. */
  leftOut(replica: Replica): Promise<string | undefined>
  status(): Promise<readonly ReplicaStatus[]>
}

interface WireOptions {
  /** One for each; two at most: a third one’s turn is so early in a second that each other is left out. */
  readonly replicas?: readonly Partial<ReplicaOptions>[]
  /** The provider's `replicas`, given their addresses. */
  readonly listed?: (addresses: readonly string[]) => object
  /** Of the provider's configuration. */
  readonly pool?: object
  readonly environment?: Readonly<Record<string, string>>
}

/** A stream is asked for so many tokens. */
const tokens = 60
const tokenMs = 50

/** Starts them; `pool` is laid over what stands here. */
export async function startWire(
  t: TestContext,
  { replicas: given = [{}, {}], listed = fixed, pool = {}, environment = {} }: WireOptions = {},
): Promise<Wire> {
  const clock = manualClock()
  const ends: (() => Promise<unknown>)[] = []
  // The first of all hooks: the others end only while time passes.
  t.after(async () => {
    for (const end of ends.toReversed()) await whileTimePasses(clock, end())
  })
  const usual = { clock: replicaClock(clock), tokenMs, keepAliveMs: 3_600_000 }
  const replicas = await Promise.all(given.map((options) => tiny(t, { ...usual, ...options })))
  ends.push(() => Promise.all(replicas.map((each) => each.close())))
  const addressOf = ({ port }: Replica) => `http://127.0.0.1:${port}`
  const { port, adminPort } = await start(
    { ends, clock, environment },
    {
      kind: 'vllm',
      replicas: listed(replicas.map(addressOf)),
      keepAlive: '1h',
      retry: { attempts: 5 },
      breaker: { failures: 10_000, volume: 1_000_000 },
      ...pool,
    },
  )
  const status = async (): Promise<readonly ReplicaStatus[]> => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/statusz`)
    return JSON.parse(await answer.text()).pool.replicas
  }
  const heard = async () => {
    while (!(await status()).every(({ ageMs }) => ageMs === 0)) await turn()
  }
  clock.advance(1_000)
  await heard()
  const second = async () => {
    clock.advance(1_000)
    await heard()
    await turn()
  }
  const passUntil = async (isIt: () => boolean, secondsMax = 120): Promise<number> => {
    for (let seconds = 0; ; seconds++) {
      await turn()
      if (isIt()) return seconds
      assert.ok(seconds < secondsMax, `nothing came of it in ${seconds} s`)
      await second()
    }
  }
  return {
    clock,
    replicas,
    first: replicas[0] ?? assert.fail(),
    port,
    status,
    passUntil,
    async during(answer) {
      let isThere = false
      void answer.finally(() => {
        isThere = true
      })
      await passUntil(() => isThere)
      return answer
    },
    async pass(seconds) {
      for (let left = seconds; left > 0; left--) await second()
    },
    async ask(name, more = {}) {
      const body = { model: 'tiny', max_tokens: tokens, stream: true, ...more }
      const asked = { path: '/v1/chat/completions', body: { messages: [user(name)], ...body } }
      let stream: Stream | undefined
      const begin = async () => {
        stream = following(await open(port, asked))
      }
      void begin()
      await passUntil(() => stream !== undefined)
      return stream ?? assert.fail()
    },
    servedBy(stream) {
      const { response } = stream
      const address = response.headers['x-outrigger-replica']
      const one = replicas.find((each) => addressOf(each) === address)
      return {
        one: one ?? assert.fail(`nobody is at ${String(address)}: ${stream.text}`),
        others: replicas.filter((each) => each !== one),
      }
    },
    async leftOut(asked) {
      return (await status()).find(({ origin }) => origin === addressOf(asked))?.leftOut
    },
  }
}

/** Probes are real, time is not: none may be late. */
export const health = { interval: '1h', timeout: '1h' }
const fixed = (addresses: readonly string[]) => ({ addresses, health })
const user = (content: string) => ({ role: 'user', content })

/** Some turns of the loop: whatever has been written is read. */
async function turn(): Promise<void> {
  let turns = 0
  await until(() => ++turns > 20)
}

async function whileTimePasses(clock: ManualClock, ended: Promise<unknown>): Promise<void> {
  const state = { isOver: false }
  void ended.finally(() => {
    state.isOver = true
  })
  while (!state.isOver) {
    await turn()
    clock.advance(100)
  }
  await ended
}

function following(response: IncomingMessage): Stream {
  const stream: Stream = { response, text: '', isOver: false }
  const end = () => {
    stream.isOver = true
  }
  response.on('data', (chunk: Buffer) => {
    stream.text += chunk.toString()
  })
  response.on('end', end)
  response.on('error', end)
  return stream
}

interface Started {
  readonly ends: (() => Promise<unknown>)[]
  readonly clock: ManualClock
  readonly environment: Readonly<Record<string, string>>
}

/** An ambassador of the provider `p` in this process. */
async function start({ ends, clock, environment }: Started, provider: object) {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-wire-'))
  const file = join(directory, 'outrigger.yaml')
  const config = {
    models: { tiny: { targets: [{ provider: 'p', model: 'tiny' }] } },
    providers: { p: provider },
    ambassador: { identity: { kind: 'open', tenant: 'local' }, drain: { delay: 0, grace: 0 } },
  }
  await writeFile(file, JSON.stringify(config))
  const destination = { write() {} }
  const log = createLog({ level: 'silent', half: 'ambassador', clock, destination })
  const watched = watchConfig({
    file,
    secretsOf: ambassadorSecrets('p'),
    environment,
    clock,
    log,
    watchDirectories: async () => ({ add() {}, async close() {} }),
  })
  const place = { host: '127.0.0.1', port: 0, probesHost: '127.0.0.1', probesPort: 0, adminPort: 0 }
  const settings = { ...place, config: file, provider: 'p' }
  const running = await startAmbassador({ settings, config: watched, log, clock })
  ends.push(async () => {
    running.stop('SIGTERM')
    await running.ended
    await rm(directory, { recursive: true, force: true })
  })
  return running.ports
}
