import { Cancellation } from '#shared/call/cancellation.ts'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import { Quota, type QuotaOptions } from '../../../ambassador/quota/quota.ts'
import type { Dimension, LimitShape } from '../../../ambassador/quota/shape.ts'
import type { Want } from '../../../ambassador/quota/want.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'

export function want(other: Partial<Want> = {}): Want {
  return {
    tenant: 'a',
    weight: 1,
    class: 'interactive',
    model: 'm',
    inputTokens: 100,
    cachedTokens: 0,
    outputTokensMax: 0,
    session: undefined,
    patienceMs: 60_000,
    cancellation: new Cancellation(),
    excluded: [],
    ...other,
  }
}

export const tokensByMinute: Dimension = {
  name: 'tokens',
  unit: 'tokens',
  windowMs: 60_000,
  window: 'continuous',
  sliceMs: 0,
  scope: 'model',
  quantum: 1,
  isLive: false,
  headers: { limit: 'limit', remaining: 'remaining', reset: 'reset' },
}

export const placesAtATime: Dimension = {
  ...tokensByMinute,
  name: 'concurrency',
  unit: 'concurrency',
  windowMs: 0,
  headers: undefined,
}

/** Counts what is said to be input, and all that is allowed of output. */
export function shapeOf(...dimensions: readonly Dimension[]): LimitShape {
  return {
    dimensions,
    familyOf: (model) => model,
    reserve: ({ input, outputMax = 0, output }) => {
      return { requests: 1, input, output, tokens: input + outputMax }
    },
    final: undefined,
    countsRefused: false,
  }
}

export interface Bench {
  readonly clock: ManualClock
  readonly quota: Quota
}

/** A quota of one credential `main` and the limits given, whose places are one by default. */
export function bench(shape: LimitShape, other: Partial<QuotaOptions> = {}): Bench {
  const clock = manualClock()
  const options: QuotaOptions = {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: { tokens: 6_000, concurrency: 1 } }],
    waitingMax: { interactive: 100, batch: 100 },
    tenantShareMax: 1,
    batchShare: 0.1,
    ...other,
  }
  return { clock, quota: new Quota({ clock, shape }, options) }
}

/** A permit that is there at once. */
export function atOnce(entered: Permit | Promise<Permit>): Permit {
  if (entered instanceof Promise) throw new Error('the call waits')
  return entered
}

/** The call waits, and whether in vain is of no interest. */
export function waits(entered: Permit | Promise<Permit>): void {
  if (!(entered instanceof Promise)) throw new Error('the call goes at once')
  entered.catch(() => {})
}

/** Lets promises that are settled tell so. */
export async function turn(): Promise<void> {
  for (let at = 0; at < 5; at++) await Promise.resolve()
}
