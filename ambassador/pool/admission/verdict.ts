import { CallError } from '#shared/errors/call-error.ts'
import type { Spread } from './forecast-errors.ts'
import type { Forecast } from './ttft-forecast.ts'

/** Why a call is not let in, or waits no longer. */
export const refusalReasons = ['ttft', 'patience', 'room'] as const
export type RefusalReason = (typeof refusalReasons)[number]

/** What binds a call that wants to begin. Instants on the pool’s clock. */
export interface Bounds {
  readonly class: string
  readonly arrivedMs: number
  /** Milliseconds that its class promises; undefined where it promises nothing. */
  readonly ttftMs: number | undefined
  /** When it must have a replica. */
  readonly patienceUntilMs: number
}

export interface Missed {
  readonly reason: RefusalReason
  /** Which it would have to be, and which it is likely to be, in ms from its arrival or from now. */
  readonly allowedMs: number
  readonly likelyMs: number
}

/**
 * A prompt that alone takes longer than its class promises would never be served: it may take so many
 * times what it takes alone.
 */
const aloneFactor = 2

/** The bound that a call misses even if its forecast errs as luckily as one in ten; undefined: none. */
export function missedBy(
  { waitMs, ttftMs, aloneMs }: Forecast,
  bounds: Bounds,
  { spread: { low, middle }, nowMs }: { readonly spread: Spread; readonly nowMs: number },
): Missed | undefined {
  const patienceMs = bounds.patienceUntilMs - nowMs
  if (waitMs * low > patienceMs) {
    return { reason: 'patience', allowedMs: patienceMs, likelyMs: waitMs * middle }
  }
  if (bounds.ttftMs === undefined) return undefined
  const allowedMs = Math.max(bounds.ttftMs, aloneFactor * aloneMs)
  const waitedMs = nowMs - bounds.arrivedMs
  if (waitedMs + ttftMs * low <= allowedMs) return undefined
  return { reason: 'ttft', allowedMs, likelyMs: waitedMs + ttftMs * middle }
}

/** Bounds of what is named: shorter is a second try too many, longer is kept by no official SDK. */
const retryAfterBounds = [1_000, 60_000] as const
/** Calls refused together come back this far apart, in parts of the time. */
const jitter = 0.2

/** When a second try makes sense, in ms, for who would have to wait `missingMs` less. `random`: [0, 1). */
export function retryAfterMs(missingMs: number, random: number): number {
  const [least, most] = retryAfterBounds
  const spreadMs = Math.min(most, Math.max(least, missingMs)) * (1 + jitter * (2 * random - 1))
  return Math.ceil(Math.min(most, Math.max(least, spreadMs)))
}

export function refusal(missed: Missed, { class: name }: Bounds, random: number): CallError {
  const { reason, allowedMs, likelyMs } = missed
  const facts = {
    reason,
    class: name,
    allowedMs: Math.max(0, Math.round(allowedMs)),
    forecastMs: Math.round(likelyMs),
    retryAfterMs: retryAfterMs(likelyMs - allowedMs, random),
  }
  const state =
    reason === 'ttft'
      ? `its first token is likely in ${seconds(likelyMs)}, and class '${name}' allows ${seconds(allowedMs)}`
      : `a replica is likely to have room in ${seconds(likelyMs)}, and it may wait for ${seconds(allowedMs)}`
  return new CallError('overloaded', `Cannot place the call: ${state}`, facts)
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`
}
