import { type Outcome, type Rule, rules } from './outcome.ts'

/**
 * Whether and how soon this provider is asked again after `outcome`: the rule of its kind, the
 * provider's `x-should-retry`, and for what may bill twice the configuration.
 */
export function againOf(outcome: Outcome, unknown: 'retry' | 'leave'): Rule['again'] {
  const { again, mayBillTwice } = rules[outcome.kind]
  if (mayBillTwice && unknown === 'leave') return 'never'
  // Said of this question with this credential: another one may still be asked.
  if (outcome.shouldRetry === false && again !== 'elsewhere') return 'never'
  if (outcome.shouldRetry === true && outcome.kind === 'caller') return 'backoff'
  return again
}

/** Whether a further attempt takes from the budget. */
export function isCharged(outcome: Outcome): boolean {
  // A caller's error is only tried again where the provider asks for it.
  return rules[outcome.kind].isCharged || outcome.kind === 'caller'
}
