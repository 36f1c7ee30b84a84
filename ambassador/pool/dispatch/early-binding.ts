import type { Clock } from '#shared/call/clock.ts'
import type { PrefillRates } from '../cost/prefill-cost.ts'
import type { DecisionRecorder } from '../decisions/recorder.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Policy } from '../policies/policy.ts'
import type { PrefixIndex } from '../prefix/prefix-index.ts'
import { expectation, slotsOf } from './chooser.ts'
import type { Member } from './member.ts'
import type { PoolCall } from './pool-call.ts'
import { QueueOrder } from './queue-order.ts'
import type { Binding, Router } from './router.ts'

interface EarlyBindingParts {
  readonly policy: Policy
  readonly ledger: Ledger
  readonly index: PrefixIndex
  /** Those that take calls; never empty. */
  readonly members: () => readonly Member[]
  readonly blockTokens: number
  readonly rates: PrefillRates
  /** Where other processes tell the same replicas an order. */
  readonly clock?: Pick<Clock, 'now' | 'wall'> | undefined
  /** Told of every decision. */
  readonly recorder?: DecisionRecorder | undefined
}

/** Binds every call when it arrives, by a policy. */
export class EarlyBinding implements Router {
  readonly waiting = 0
  readonly #parts: EarlyBindingParts
  readonly #order: QueueOrder | undefined
  #found = new Int32Array(0)

  constructor(parts: EarlyBindingParts) {
    this.#parts = parts
    const { policy, clock } = parts
    if (policy.priorityOf !== undefined && clock !== undefined) this.#order = new QueueOrder(clock)
  }

  submit(call: PoolCall, bind: (binding: Binding) => void): () => void {
    const { policy, ledger, index, members, blockTokens, rates, recorder } = this.#parts
    const all = members()
    // Their order goes by when the call came: that has to be one clock for all who share the replicas.
    const told = this.#told(call)
    const { slot } = policy.choose(told, all)
    const member = all.find((each) => each.slot === slot)
    if (member === undefined) throw new Error(`Cannot bind: '${policy.name}' chose nobody`)
    if (this.#found.length <= slot) this.#found = new Int32Array(slotsOf(all))
    index.match(call.chain, this.#found)
    const found = this.#found
    const decided = { call, policy: policy.name, chosen: member, members: all, found }
    recorder?.boundBy({ ...decided, ledger, blockTokens })
    const cached = (found[slot] ?? 0) * blockTokens
    const entry = ledger.send(call, slot, expectation(call, rates, cached))
    bind({ member, entry, priority: this.#priorityOf(told) })
    return () => undefined
  }

  changed(): void {
    // Nobody waits.
  }

  #told(call: PoolCall): PoolCall {
    if (this.#order === undefined) return call
    return { ...call, arrivedMs: this.#order.commonMs(call.arrivedMs) }
  }

  #priorityOf(told: PoolCall): number | undefined {
    const key = this.#parts.policy.priorityOf?.(told)
    return key === undefined ? undefined : (this.#order?.priorityOf(key) ?? key)
  }
}
