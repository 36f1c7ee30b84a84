import type { Credentials } from './credentials.ts'
import { least } from './least.ts'
import type { Line } from './line.ts'
import type { LimitShape } from './shape.ts'
import { Waiter } from './waiter.ts'
import type { Want } from './want.ts'

/** Nobody asks whether a bucket holds so much: few are smaller, and gauges bound what is taken. */
const usualTokens = 8_000

export interface IntakeParts {
  readonly shape: LimitShape
  readonly credentials: Credentials
  readonly line: Line
  /** What this configuration calls the family of a model; undefined where it says nothing. */
  readonly familyOf: (model: string) => string | undefined
}

/** What a call is expected to take, and where it would stand. */
export function waiterOf(parts: IntakeParts, want: Want, nowMs: number): Waiter {
  const { shape, credentials, line, familyOf } = parts
  const lane = line.lane(familyOf(want.model) ?? shape.familyOf(want.model))
  const queue = lane.queue(want.class)
  const tenant = queue.tenant(want.tenant, want.weight)
  const expected = tenant.habits.expect(want)
  const warm = shape.reserve(expected)
  const cold = expected.cached === 0 ? warm : shape.reserve({ ...expected, cached: 0 })
  const net = shape.final?.(expected) ?? warm
  if (Math.max(warm.tokens, cold.tokens, net.tokens) <= usualTokens) {
    return new Waiter(want, { lane, queue, tenant, warm, cold, net }, nowMs)
  }
  // What may be larger than every bucket goes when one is full, and the provider decides.
  const most = credentials.largest(lane.name, nowMs)
  const certain = shape.certain?.(expected)
  const place = { lane, queue, tenant, certain, net: least(net, most) }
  return new Waiter(want, { ...place, warm: least(warm, most), cold: least(cold, most) }, nowMs)
}
