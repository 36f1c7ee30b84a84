import type { TestContext } from 'node:test'
import type { AmbassadorCall } from '#ambassador/call.ts'
import type { Placement } from '#ambassador/pool/placing/placement.ts'
import { Placing } from '#ambassador/pool/placing/placing.ts'
import {
  noMeter,
  type PlacingMeter,
  type PlacingSettings,
  placingDefaults,
} from '#ambassador/pool/placing/placing-settings.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Body, bytesBody } from '#shared/http/body.ts'
import { type InboundResponse, Origins, type OutboundRequest } from '#shared/http/client.ts'
import { manualClock } from '#test/manual-clock.ts'
import { callAt, question, sink } from '../placing/stage.ts'

/** Replicas that say of themselves what `pages` holds, by origin; without a page they cannot be reached. */
export class Pages extends Origins {
  readonly metrics = new Map<string, string>()

  override exchange({ origin, path }: OutboundRequest): Promise<InboundResponse> {
    const page = path === '/metrics' ? this.metrics.get(origin) : undefined
    if (page === undefined) {
      return Promise.reject(new CallError('connect-failed', 'Cannot connect: refused'))
    }
    const body = bytesBody(Buffer.from(page))
    return Promise.resolve({ status: 200, headers: [], body, trailers: () => ({}) })
  }
}

interface StageOptions extends Partial<PlacingSettings> {
  readonly meter?: PlacingMeter
}

/** A pool of so many replicas on a clock that moves when told. */
export function stageOf(t: TestContext, replicas: number, options: StageOptions = {}) {
  const { meter = noMeter, ...settings } = options
  const clock = manualClock()
  const pages = new Pages()
  const addresses = Array.from({ length: replicas }, (_, at) => `http://r${at}:1`)
  const able = new Set(addresses)
  const placing = new Placing(
    { clock, origins: pages, able: () => [[...able]], meter },
    { ...placingDefaults, ...settings },
  )
  placing.follow(addresses)
  t.after(() => placing.close())

  const caller = (patienceMs?: number) => callAt(clock, patienceMs)
  const place = (tokens: number, name: string, call = caller()) =>
    placing.place(question(tokens, name), call)
  /** Calls with nothing in common, all under way. */
  const placeMany = (count: number, tokens = 500, name = 'unlike') =>
    Promise.all(Array.from({ length: count }, (_, at) => place(tokens, `${name} ${at} `)))
  return { clock, pages, placing, able, addresses, caller, place, placeMany }
}

/** How many of the placements each address has. */
export function counted(placements: readonly Placement[], addresses: readonly string[]): number[] {
  return addresses.map((address) => placements.filter(({ origin }) => origin === address).length)
}

/** An answer that reports its usage, read to its end. */
export function answer(
  placement: Placement,
  call: AmbassadorCall,
  { prompt, cached }: { readonly prompt: number; readonly cached: number },
): void {
  const usage = {
    prompt_tokens: prompt,
    completion_tokens: 1,
    prompt_tokens_details: { cached_tokens: cached },
  }
  const body = bytesBody(Buffer.from(JSON.stringify({ usage })))
  placement.follow({ status: 200, headers: [], body }, call).pipe(sink)
}

/** A stream that has not ended; what becomes of it is up to the test. */
export function stream(placement: Placement, call: AmbassadorCall): Body {
  const body: Body = { pipe() {}, resume() {}, cancel() {} }
  return placement.follow(
    { status: 200, headers: ['content-type', 'text/event-stream'], body },
    call,
  )
}

/** What is counted, of every kind. */
export function underWay(placing: Placing) {
  const { waiting, replicas } = placing.view()
  const each = replicas.map(({ inFlight, queuedTokens }) => [inFlight, queuedTokens] as const)
  const sum = (at: 0 | 1) => each.reduce((total, pair) => total + pair[at], 0)
  const least = Math.min(0, ...each.flat())
  return { waiting: waiting.calls, inFlight: sum(0), queuedTokens: sum(1), least }
}

export const nothing = { waiting: 0, inFlight: 0, queuedTokens: 0, least: 0 }
