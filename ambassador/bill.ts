import type { Usage } from '#shared/dialects/usage.ts'
import type { AmbassadorCall } from './call.ts'
import { reportedCost } from './prices/answer-facts.ts'
import { type Cost, costOf } from './prices/cost.ts'

/** What an answer says of its bill besides its usage. */
export interface BillFacts {
  /** Tier, speed and place that it was served with. */
  readonly modifiers: readonly string[]
  /** The provider's own `usage` object. */
  readonly usageObject: Readonly<Record<string, unknown>> | undefined
}

/** What `usage` costs. Undefined where nothing was asked of the provider: there is nothing to pay. */
export function billFor(context: AmbassadorCall, usage: Usage): Cost | undefined {
  if (context.surface?.wants === 'pass') return billForPass(context)
  if (usage.input === 0 && usage.output === 0) return undefined
  const { modifiers, usageObject } = context.streamWatch?.bill ?? context.bill
  const { price, seller } = context
  const reported = reportedCost(seller, usageObject)
  return costOf({ usage, price, modifiers, reported })
}

/** Images, minutes and pages have no price here. */
function billForPass({ attempts, unreached, mayBeBilled }: AmbassadorCall): Cost | undefined {
  const isAnswered = attempts > unreached && mayBeBilled
  return isAnswered ? { kind: 'unknown', reason: 'price-unknown' } : undefined
}
