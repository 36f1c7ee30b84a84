import type { LimitUnit } from '#shared/config/limit-schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Excess } from './store.ts'
import type { TenantLimit } from './tenant-limits.ts'

/** What a refused call is told. */
export interface Refused {
  readonly limit: TenantLimit
  readonly excess: Excess
  /** ms since 1970. */
  readonly nowMs: number
  /** Uniform in [0, 1). */
  readonly chance: number
}

/**
 * Those whom one instant frees come back spread over this long: a sliding minute frees each at
 * another second, the calendar all of them at once.
 */
const spreadMs = { minute: 1_000, hour: 5_000, day: 5_000, month: 5_000 }

/**
 * `tenant-limit`, which names the limit, what is used, what was asked for and when it fits. Facts:
 * `limit`, `used`, `requested` in the limit's unit (US dollars for `usd`), `unit`, `per`, and where
 * waiting helps `resetMs`, after which the call fits, and `retryAfterMs`, somewhat later by chance.
 */
export function tenantLimit({ limit, excess, nowMs, chance }: Refused): CallError {
  const { unit, span, scope } = limit
  const { charge, used, fitsAtMs } = excess
  const shown = (amount: bigint) => shownAmount(unit, amount)
  const rule = `the limit is ${shown(charge.limit)} ${words[unit]} per ${span}${scope}`
  const state = `${rule}, ${shown(used)} used, ${shown(charge.amount)} asked for`
  const facts = {
    limit: numberOf(unit, charge.limit),
    used: numberOf(unit, used),
    requested: numberOf(unit, charge.amount),
    unit,
    per: span,
  }
  if (fitsAtMs === undefined) {
    const message = `Cannot admit the call: ${state}: more than it ever allows`
    return new CallError('tenant-limit', message, facts)
  }
  const resetMs = Math.max(0, fitsAtMs - nowMs)
  const at = new Date(fitsAtMs).toISOString().replace('.000Z', 'Z')
  const wait = `${Math.ceil(resetMs / 1_000)}s`
  const message = `Cannot admit the call: ${state}; it fits in ${wait}, at ${at}`
  const retryAfterMs = Math.ceil(resetMs + chance * spreadMs[span])
  return new CallError('tenant-limit', message, { ...facts, resetMs, retryAfterMs })
}

/**
 * `tenant-concurrency`: the tenant has as many calls in flight as it may have. `chance`, uniform in
 * [0, 1), spreads those who come back.
 */
export function tenantConcurrency(limit: number, used: number, chance: number): CallError {
  return new CallError(
    'tenant-concurrency',
    `Cannot admit the call: the limit is ${limit} calls in flight, ${used} are`,
    // Calls end at no known instant; a second is about the shortest that one takes.
    { limit, used, requested: 1, retryAfterMs: Math.ceil(1_000 + chance * 1_000) },
  )
}

/** `model-forbidden`: money cannot be counted for a model that has no price. */
export function unpriced(model: string): CallError {
  const reason = "it has no price, and the tenant's limit in usd must count one"
  const message = `Cannot admit model '${model.slice(0, 100)}': ${reason}`
  return new CallError('model-forbidden', message, { field: 'model' })
}

const words: Readonly<Record<LimitUnit, string>> = {
  requests: 'requests',
  tokens: 'tokens',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
  usd: 'US dollars',
}

/** For facts and metrics: whole pico-dollars as dollars, everything else as it is. */
export function numberOf(unit: LimitUnit, amount: bigint): number {
  return unit === 'usd' ? Number(amount) / 1e12 : Number(amount)
}

function shownAmount(unit: LimitUnit, amount: bigint): string {
  if (unit !== 'usd') return String(amount)
  // Six digits tell the cost of one call; sums are exact all the same.
  const micro = amount / 1_000_000n
  const digits = String(micro).padStart(7, '0')
  const cents = digits.slice(-6).replace(/0+$/, '').padEnd(2, '0')
  return `${digits.slice(0, -6)}.${cents}`
}
