import { setTimeout as wait } from 'node:timers/promises'
import { Application } from './cancel-application.ts'
import { type Kind, kinds, type Leaving, leavings, type Point, points } from './cancel-calls.ts'
import { HoldingProvider } from './holding-provider.ts'
import { type Pair, startPair } from './pair.ts'
import type { Routes } from './routes.ts'

/** One cancelled call. */
export interface Cancelled extends Kind {
  readonly point: Point
  readonly leaving: Leaving
  /**
   * From the application's leaving to the end of the connection at the provider; where the body was
   * being sent, to a sidecar without a call in flight.
   */
  readonly ms: number
  /** Why there is no time; empty where there is one. */
  readonly problem: string
}

/** The design counts over this many, spread over kinds and points. */
const cancellations = 1_000
/** At once, where the provider shows each end: applications leave together. */
const lanes = 8
/** The hold cannot be seen from outside: many times what a hop takes to read what was written. */
const settleMs = 20
/** An end that takes longer was not brought about by the application. */
const limitMs = 2_000

/** Cancels calls of each kind at each point through a pair of its own. `share`: of the thousand. */
export async function measureCancel(routes: Routes, share: number): Promise<Cancelled[]> {
  const provider = new HoldingProvider()
  const { directory, built } = routes
  const pair = await startPair({ directory, built, providerPort: await provider.listen() })
  const each = Math.ceil((cancellations * share) / (points.length * kinds.length))
  const results: Cancelled[] = []
  try {
    for (const point of points) {
      const tasks = Array.from({ length: each * kinds.length }, (_, at) => ({
        at,
        kind: kinds[at % kinds.length],
      }))
      const next = async () => {
        for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
          const { kind, at } = task
          if (kind === undefined) continue
          const leaving = leavings[Math.floor(at / kinds.length) % leavings.length] ?? 'close'
          const id = `${point}-${at}`
          results.push(await cancelOne({ provider, pair, kind, point, leaving, id }))
        }
      }
      // The gauge is one for all calls: those of which only it tells go one by one.
      await Promise.all(Array.from({ length: point === 'body' ? 1 : lanes }, next))
    }
  } finally {
    await pair.end()
    provider.close()
  }
  return results
}

interface Cancelling {
  readonly provider: HoldingProvider
  readonly pair: Pair
  readonly kind: Kind
  readonly point: Point
  readonly leaving: Leaving
  readonly id: string
}

async function cancelOne(cancelling: Cancelling): Promise<Cancelled> {
  const { kind, point, leaving } = cancelling
  const application = new Application(cancelling.pair.sidecar.port)
  const facts = { ...kind, point, leaving }
  try {
    const ms = await (point === 'body' ? inBody : atProvider)(cancelling, application)
    return { ...facts, ms, problem: '' }
  } catch (error) {
    return { ...facts, ms: 0, problem: error instanceof Error ? error.message : String(error) }
  } finally {
    application.close()
  }
}

async function atProvider(
  { provider, kind, point, leaving, id }: Cancelling,
  application: Application,
): Promise<number> {
  const met = provider.expect(id, kind, point)
  await application.ask(kind, id)
  await within(met.held, 'the provider does not get the call')
  if (point === 'stream') await within(application.content, 'no content comes')
  else if (point === 'hold') await wait(settleMs)
  if (application.received > 0 && point !== 'stream') throw new Error('an answer came already')
  const leftMs = performance.now()
  application.leave(leaving)
  return (await within(met.ended, 'the provider does not see the end')) - leftMs
}

async function inBody(
  { provider, pair, kind, leaving, id }: Cancelling,
  application: Application,
): Promise<number> {
  await within(application.askHalf(kind, id), 'no 100 comes')
  const leftMs = performance.now()
  application.leave(leaving)
  while ((await callsInFlight(pair.sidecar.probesPort)) > 0) {
    if (performance.now() - leftMs > limitMs) throw new Error('the call stays in flight')
  }
  const ms = performance.now() - leftMs
  // A call that reached the ambassador would be on its way to the provider.
  await wait(settleMs)
  if (provider.hasBegun(id)) throw new Error('the provider was called')
  return ms
}

async function callsInFlight(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const value = /^outrigger_sidecar_calls_in_flight (\d+)$/m.exec(text)?.[1]
  if (value === undefined) throw new Error('Cannot read calls in flight: the gauge is missing')
  return Number(value)
}

/** The value of `promise`; rejects with `otherwise` after the limit. Its timer ends with it. */
async function within<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(otherwise)), limitMs)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
