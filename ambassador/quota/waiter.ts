import type { Undo } from '#shared/call/clock.ts'
import type { ClassQueue } from './class-queue.ts'
import type { Placed } from './heap.ts'
import type { Lane } from './lane.ts'
import type { Permit } from './permit.ts'
import type { Amounts } from './shape.ts'
import type { Tenant } from './tenant.ts'
import type { Want } from './want.ts'

/** One call before it has its permit. */
export class Waiter implements Placed {
  heapAt = -1
  readonly want: Want
  readonly lane: Lane
  /** Of its class, as it was when it came. */
  readonly queue: ClassQueue
  readonly tenant: Tenant
  /** What it takes where the provider's prompt cache is warm for it. */
  readonly warm: Amounts
  /** The same where it is not. */
  readonly cold: Amounts
  /** What it is expected to come to in the end. */
  readonly net: Amounts
  /** What the provider reserves for it at least; undefined where that is not certain, or is small. */
  readonly certain: Amounts | undefined
  readonly enteredMs: number
  /** By then it has its permit or is refused. */
  readonly expiresMs: number
  /** What was forecast when it came, before what forecasts turn out to be worth. Milliseconds. */
  forecastMs = 0
  /** Until then only the credential of its session will do. */
  holdUntilMs: number | undefined
  state: 'outside' | 'queued' | 'aside' = 'outside'
  previous: Waiter | undefined
  next: Waiter | undefined
  grant: (permit: Permit) => void = () => {}
  refuse: (error: Error) => void = () => {}
  undoCancel: Undo = () => {}

  constructor(want: Want, place: WaiterPlace, nowMs: number) {
    this.want = want
    this.lane = place.lane
    this.queue = place.queue
    this.tenant = place.tenant
    this.warm = place.warm
    this.cold = place.cold
    this.net = place.net
    this.certain = place.certain
    this.enteredMs = nowMs
    this.expiresMs = nowMs + want.patienceMs
  }

  /** What it counts for between tenants: tokens, as the provider counts them. */
  get cost(): number {
    return this.net.tokens
  }
}

export interface WaiterPlace {
  readonly lane: Lane
  readonly queue: ClassQueue
  readonly tenant: Tenant
  readonly warm: Amounts
  readonly cold: Amounts
  readonly net: Amounts
  readonly certain?: Amounts | undefined
}
