import { costOf } from '../cost/cost.ts'
import type { Wish } from '../dispatch/chooser.ts'
import type { Member } from '../dispatch/member.ts'
import type { HoldReason, Obstacle } from './decision-view.ts'
import type { PolicyChoice, Weighing } from './recorder.ts'
import type { SheetRow } from './sheet.ts'

/** Candidates of one decision that are remembered, the cheapest ones. */
export const candidatesMax = 64

/** One replica as costs decide. No spread: there may be 64 of them in 20 µs. */
export function weighedRow(wish: Wish, member: Member, weighing: Weighing): SheetRow {
  const { parts, chooser } = weighing
  const { slot, book, capacityBlocks, sequencesMax } = member
  const heldBlocks = parts.ledger.heldBlocks(slot)
  const cachedTokens = (wish.found[slot] ?? 0) * parts.blockTokens
  return {
    terms: chooser.terms(wish, member),
    obstacle: obstacleOf(wish, member, weighing),
    cachedTokens: Math.min(cachedTokens, wish.call.tokens),
    heldBlocks,
    neededBlocks: chooser.needed(wish, member),
    capacityBlocks,
    queuedTokens: book.queuedTokens,
    inFlight: book.inFlight,
    callsMax: sequencesMax,
  }
}

/** One replica as it was when a policy of others decided, which asks for no room. */
export function plainRow(choice: PolicyChoice, member: Member): SheetRow {
  const { call, found, ledger, blockTokens } = choice
  const { slot, book, capacityBlocks, sequencesMax } = member
  const cached = found[slot] ?? 0
  return {
    terms: undefined,
    obstacle: 'none',
    cachedTokens: Math.min(cached * blockTokens, call.tokens),
    heldBlocks: ledger.heldBlocks(slot),
    neededBlocks: Math.max(0, Math.ceil(call.tokens / blockTokens) - cached),
    capacityBlocks,
    queuedTokens: book.queuedTokens,
    inFlight: book.inFlight,
    callsMax: sequencesMax,
  }
}

/** All in their order, or where there are many the cheapest, the chosen one among them. */
export function cheapest(
  members: readonly Member[],
  chosen: Member,
  costOfOne: (member: Member) => number,
): readonly Member[] {
  if (members.length <= candidatesMax) return members
  const others = members
    .filter((member) => member !== chosen)
    .map((member) => ({ member, cost: costOfOne(member) }))
    .toSorted((one, other) => one.cost - other.cost)
    .slice(0, candidatesMax - 1)
  return [chosen, ...others.map(({ member }) => member)]
}

function obstacleOf(wish: Wish, member: Member, { parts, chooser, isKept }: Weighing): Obstacle {
  if (isKept(wish, member)) return 'kept'
  if (chooser.canTake(wish, member)) return 'none'
  if (member.inFlight >= member.sequencesMax) return 'sequences'
  if (!member.book.adapters.hasRoomFor(wish.call.adapter)) return 'adapters'
  const blocks = parts.ledger.heldBlocks(member.slot) + chooser.needed(wish, member)
  return blocks > member.capacityBlocks ? 'kv' : 'queue'
}

/** Goes by the replica of the least cost, as the choice does. */
export function holdReasonOf(wish: Wish, { parts, chooser, isKept }: Weighing): HoldReason {
  let reason: HoldReason = 'room'
  let least = Number.POSITIVE_INFINITY
  for (const member of parts.members()) {
    const cost = costOf(chooser.terms(wish, member))
    if (cost >= least) continue
    least = cost
    if (!chooser.canTake(wish, member)) reason = 'room'
    else reason = isKept(wish, member) ? 'kept' : 'turn'
  }
  return reason
}
