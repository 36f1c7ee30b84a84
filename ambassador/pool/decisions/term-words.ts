import type { CostTerms } from '../cost/cost.ts'

/** What each term of a cost is, in few words, as a table has it above its column. */
export const termWords: Readonly<Record<keyof CostTerms, string>> = {
  queuedMs: 'queued',
  ownMs: 'own prefill',
  spreadMs: 'spreading',
  runningMs: 'running',
  adapterMs: 'adapter',
}

/** The terms of a cost, in the order in which they are told. */
export const termNames: readonly (keyof CostTerms)[] = Object.keys(termWords).filter(isTerm)

function isTerm(name: string): name is keyof CostTerms {
  return Object.hasOwn(termWords, name)
}

/** Every term by its name. */
export function termsOf(valueOf: (name: keyof CostTerms) => number): CostTerms {
  return {
    queuedMs: valueOf('queuedMs'),
    ownMs: valueOf('ownMs'),
    spreadMs: valueOf('spreadMs'),
    runningMs: valueOf('runningMs'),
    adapterMs: valueOf('adapterMs'),
  }
}

/** Writes every term in the order of `termNames`; by name, which is four times as fast as by index. */
export function writeTerms(terms: CostTerms, numbers: Float32Array, from: number): void {
  let at = from
  numbers[at++] = terms.queuedMs
  numbers[at++] = terms.ownMs
  numbers[at++] = terms.spreadMs
  numbers[at++] = terms.runningMs
  numbers[at++] = terms.adapterMs
}
