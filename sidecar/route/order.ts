import { hash } from '#shared/builtins.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { Entry, Target } from '#shared/config/schema.ts'
import type { Signals } from './signals.ts'

/** What an order goes by besides the configuration. */
export interface OrderParts {
  readonly signals: Signals
  readonly clock: Clock
  /** Of the call, where the application names one. */
  readonly session: string | undefined
}

export type Group = Extract<Entry, { targets: unknown }>

/** The targets of one step of a chain, the chosen one first, the others behind it as a reserve. */
export function ordered(group: Group, parts: OrderParts): readonly Target[] {
  const { choose, targets } = group
  if (targets.length < 2) return targets
  const { signals, clock } = parts
  switch (choose) {
    case 'only':
      return targets
    case 'split':
      return byWeight(group, parts)
    case 'cheapest':
      return ascending(targets, ({ cost }) => cost)
    case 'leastBusy':
      return ascending(shuffled(targets, clock), (target) => signals.seen(target).inFlight)
    case 'fastest':
      return ascending(shuffled(targets, clock), (target) =>
        signals.seen(target).score(clock.now()),
      )
  }
}

function ascending(targets: readonly Target[], key: (target: Target) => number): Target[] {
  const keyed = targets.map((target) => ({ target, value: key(target) }))
  return keyed.toSorted((one, other) => one.value - other.value).map(({ target }) => target)
}

/** Equals must not all go to the first of the file. */
function shuffled(targets: readonly Target[], clock: Clock): Target[] {
  return ascending(targets, () => clock.random())
}

/**
 * A draw without putting back: each target's key is a random number to the power of 1 / weight, the
 * highest comes first (Efraimidis and Spirakis, 2006). A session draws the same numbers each time,
 * and keeps its target when another one is added or taken away.
 */
function byWeight({ targets, isSticky }: Group, { clock, session }: OrderParts): Target[] {
  const draw = (target: Target) =>
    isSticky && session !== undefined ? fixedNumber(session, target) : clock.random()
  return ascending(
    targets,
    (target) => -Math.log(Math.max(draw(target), Number.MIN_VALUE)) / target.weight,
  )
}

function fixedNumber(session: string, { provider, model }: Target): number {
  const digest = hash('sha256', JSON.stringify([session, provider, model]), 'hex')
  return Number.parseInt(digest.slice(0, 12), 16) / 16 ** 12
}
