import assert from 'node:assert/strict'
import type { FallbackReason } from '#shared/config/schema.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { Link, SidecarCall } from '../../../sidecar/call.ts'
import { fallback } from '../../../sidecar/fallback/fallback.ts'
import { Signals } from '../../../sidecar/route/signals.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'
import { answered, callOf, requestOf, targetOf } from '../sidecar-call.ts'

/** What a target does with the call; it may move the clock, and throw. */
export type Serve = (
  call: SidecarCall,
  request: CallRequest,
) => CallResponse | Promise<CallResponse>

/** One call, and what became of it. */
export interface Followed {
  readonly call: SidecarCall
  readonly clock: ManualClock
  readonly signals: Signals
  /** Models that were asked, in order, with the patience that each had. */
  readonly asked: { readonly model: string; readonly patienceMs: number | undefined }[]
  /** As the metric is told: `model reason`. */
  readonly told: string[]
}

export interface Following {
  /** What each link does: a target by its model's name, `!` words for a refusal. */
  readonly chain: Readonly<Record<string, Serve>>
  readonly rules?: Partial<SidecarCall['fallback']>
  readonly change?: (call: SidecarCall) => void
  readonly body?: string
}

/** Sends one call down `chain`; what it ends with is in the promise. */
export function following({ chain, rules, change, body = '{"model":"x"}' }: Following) {
  const clock = manualClock()
  const call = callOf(clock)
  call.chain = Object.keys(chain).map(
    (name): Link => (name.startsWith('!') ? { refuse: name.slice(1) } : targetOf(name)),
  )
  call.route = call.chain.find((link) => 'provider' in link)
  call.fallback = { ...call.fallback, ...rules }
  change?.(call)
  const followed: Followed = { call, clock, signals: new Signals(), asked: [], told: [] }
  const layer = fallback({
    signals: followed.signals,
    onFallback: ({ model }, reason) => followed.told.push(`${model} ${reason}`),
  })
  const service = layer(async (request, context) => {
    const model = context.route?.model ?? ''
    followed.asked.push({ model, patienceMs: context.patienceMs })
    const answer = await (chain[model] ?? serves)(context, request)
    // As the forwarding does, which takes the header away.
    context.replay = header(answer.headers, 'x-outrigger-replay') ?? context.replay
    return answer
  })
  const send = async () => await service(requestOf(body), call)
  return { followed, send }
}

export const models = ({ asked }: Followed): string => asked.map(({ model }) => model).join(' ')

export const serves: Serve = () => answered(200)

/** A failure as an ambassador answers it. */
export function fails(reason: FallbackReason, replay: 'safe' | 'unknown' | 'never' = 'safe') {
  const status = reason === 'context-window' || reason === 'content-filter' ? 400 : 503
  return answered(status, ['x-outrigger-reason', reason, 'x-outrigger-replay', replay])
}

/** Lets time pass for `call`. */
export function elapse({ clock }: SidecarCall, ms: number): void {
  assert.ok('advance' in clock && typeof clock.advance === 'function')
  clock.advance(ms)
}

/** Calls that the targets of `followed` have in flight. */
export function inFlight({ call, signals }: Followed): number {
  return call.chain.reduce(
    (sum, link) => sum + ('provider' in link ? signals.seen(link).inFlight : 0),
    0,
  )
}

/** The end of a call, as the server runs it. */
export function end({ call }: Followed): void {
  for (const undo of call.atEnd) undo()
}
