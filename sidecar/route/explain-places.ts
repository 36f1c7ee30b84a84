import type { Target } from '#shared/config/schema.ts'
import { header } from '#shared/http/headers.ts'
import type { Ground, LeftOut, Step } from './chain.ts'
import type { Group } from './order.ts'

/** One step of a chain in words and numbers: how it chooses, whom it chose, whom it left out. */
export function placesOf({ entry, targets, leftOut }: Step, ground: Ground): object {
  if (entry.choose === 'refuse') return { choose: 'refuse', words: entry.words }
  const session = header(ground.request.headers, 'x-outrigger-session')
  const isFixed = entry.isSticky && session !== undefined
  const places = targets.map((target) => ({
    provider: target.provider,
    model: target.model,
    ...factsOf(target, { ...entry, targets }, ground),
  }))
  return {
    choose: entry.choose,
    how:
      entry.choose === 'split' && isFixed
        ? 'by weight, the same for this session'
        : hows[entry.choose],
    byChance: isByChance({ ...entry, targets }, ground) && !isFixed,
    targets: places,
    leftOut: leftOut.map(toldOut),
  }
}

const hows = {
  only: 'named alone',
  split: 'at random by weight, another time maybe in another order',
  leastBusy: 'the fewest calls of this sidecar in flight first',
  fastest: 'the lowest score first: how long answers took to begin of late, and calls in flight',
  cheapest: 'the lowest cost first',
} as const

/** What its place in the step goes by. */
function factsOf(target: Target, { choose, targets }: Group, { signals, context }: Ground): object {
  const { inFlight } = signals.seen(target)
  switch (choose) {
    case 'only':
      return {}
    case 'split': {
      const all = targets.reduce((sum, { weight }) => sum + weight, 0)
      return { weight: target.weight, share: rounded(target.weight / all, 4) }
    }
    case 'leastBusy':
      return { inFlight }
    case 'fastest': {
      const score = signals.seen(target).score(context.clock.now())
      return { scoreMs: rounded(score, 1), inFlight }
    }
    case 'cheapest':
      return { cost: target.cost }
  }
}

/** Whether another call in the same moment may find another order. */
function isByChance({ choose, targets }: Group, { signals, context }: Ground): boolean {
  if (choose === 'only' || choose === 'cheapest' || targets.length < 2) return false
  if (choose === 'split') return true
  const keys = targets.map((target) => {
    const signal = signals.seen(target)
    return choose === 'leastBusy' ? signal.inFlight : signal.score(context.clock.now())
  })
  return new Set(keys).size < keys.length
}

function toldOut({ target: { provider, model }, why }: LeftOut): object {
  return { provider, model, because: becauseOf(why) }
}

function becauseOf(why: LeftOut['why']): string {
  switch (why.reason) {
    case 'weight':
      return 'its weight is 0'
    case 'dialect':
      return `its provider speaks ${why.speaks.join(', ')}`
    case 'capability':
      return `it lacks ${why.lacks.join(', ')}`
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
