import type { AmbassadorCall } from '../call.ts'
import type { Permit } from '../quota/permit.ts'
import { type Outcome, rules } from '../retry/outcome.ts'

/** What the provider says that a call used. Tokens; `cached` is part of `input`. */
export interface UsedTokens {
  readonly input: number
  readonly cached: number
  readonly output: number
}

/**
 * Ends the permit by what came of its call, and gives what the provider says was used. What is truly
 * unknown keeps its reservation: the provider may still be generating.
 */
export function settle(
  permit: Permit,
  outcome: Outcome | undefined,
  context: AmbassadorCall,
): UsedTokens | undefined {
  if (outcome === undefined || isUnsent(outcome)) {
    permit.release()
    return undefined
  }
  const used = usedBy(context)
  if (used === undefined && isWithoutWork(outcome, context)) permit.dismiss()
  else permit.settle(used)
  return used
}

function isUnsent(outcome: Outcome): boolean {
  const { kind } = outcome
  if (kind === 'unsent' || kind === 'ours') return true
  // The call's own configuration had nothing to send with: no provider has seen it.
  return kind === 'dead-credential' && outcome.reach === 'call'
}

/** Whether the provider said no before it generated anything. */
function isWithoutWork({ kind }: Outcome, { firstContentMs }: AmbassadorCall): boolean {
  if (kind === 'ok' || kind === 'left' || rules[kind].mayBillTwice) return false
  return firstContentMs === undefined
}

/** Undefined where it has said nothing. */
function usedBy({ usage, streamWatch }: AmbassadorCall): UsedTokens | undefined {
  const known = usage ?? streamWatch?.usage
  return known && { input: known.input, cached: known.cached, output: known.output }
}
