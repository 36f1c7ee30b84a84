import * as v from 'valibot'
import { labelName } from './fields.ts'

/** What platforms have where they name none. */
export const classesDefault: readonly string[] = ['interactive', 'batch']

/**
 * `classes`: the names that a call's class may have, by rank: the first goes first. A name becomes a
 * label of metrics, and each class has lines of its own in every provider's queue: eight are plenty.
 */
export const classes = v.pipe(
  v.array(labelName),
  v.minLength(1, 'must name at least one class'),
  v.maxLength(8, 'must name at most 8 classes'),
  v.check((names) => new Set(names).size === names.length, 'must name each class once'),
  v.check(
    (names) => !names.includes('prototype') && !names.includes('constructor'),
    'must name no class prototype or constructor',
  ),
)

/** The class of calls whose tenant names none: somebody is usually waiting. */
export function usualClass(names: readonly string[]): string {
  return names.find((name) => name === 'interactive') ?? names[0] ?? 'interactive'
}

/** From 0, the first; a name that is not among them, as of a call that outlived it, counts as the last. */
export function rankOf(names: readonly string[], name: string): number {
  const rank = names.indexOf(name)
  return rank === -1 ? Math.max(0, names.length - 1) : rank
}
