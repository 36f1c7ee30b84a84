import { Decisions } from '#ambassador/pool/decisions/decisions.ts'
import { EarlyBinding } from '#ambassador/pool/dispatch/early-binding.ts'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import type { Binding } from '#ambassador/pool/dispatch/router.ts'
import { fast } from '#ambassador/pool/dispatch/settings.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { roundRobin } from '#ambassador/pool/policies/round-robin.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { manualClock } from '#test/manual-clock.ts'
import { newCall } from '../../../../ambassador/new-call.ts'
import { blockTokens } from '../pool-call.ts'

/** Routers over `replicas` replicas of `capacity` blocks, with what they tell of their decisions. */
export function deciding(replicas: number, capacity = 100) {
  const clock = manualClock()
  const index = new PrefixIndex({ blocksMax: 4_000_000 })
  const ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
  const members = Array.from({ length: replicas }, (_, slot) => {
    index.open(slot, capacity)
    const member = new Member(slot, `http://replica-${slot}`, ledger.book(slot))
    member.capacityBlocks = capacity
    return member
  })
  const decisions = new Decisions(clock)
  decisions.policy = 'fast'
  const rates = { tokenMs: 1, pairMs: 0 }
  const parts = { ledger, index, members: () => members, blockTokens, rates }
  const late = new LateBinding({ ...parts, clock, settings: fast, recorder: decisions })
  const early = new EarlyBinding({ ...parts, policy: roundRobin(), recorder: decisions })
  const bound = new Map<string, Binding>()
  const submit = (call: PoolCall, router: typeof late | typeof early = late) =>
    router.submit(call, (binding) => bound.set(call.id, binding))
  return { clock, members, ledger, decisions, late, early, bound, submit }
}

export type Deciding = ReturnType<typeof deciding>

/** As the layers know it. */
export function contextOf({ clock }: Deciding, model = 'm') {
  const cancellation = new Cancellation()
  const opening = { cancellation, clock, provider: 'p', snapshot: undefined, tokens: undefined }
  return Object.assign(newCall(opening), { model, isStream: true })
}
