import { type Estimate, ratioEstimate } from './intervals.ts'

/** Mean TTFT of one policy, round by round, in ms; both were given the same calls in each. */
export interface Pace {
  readonly policy: string
  readonly wire: readonly number[]
  readonly virtual: readonly number[]
}

/** How two policies stand to each other: how many times as slow the one is as the other. */
export interface Standing {
  readonly one: string
  readonly other: string
  readonly wire: Estimate
  readonly virtual: Estimate
  /**
   * `same`: on the wire as in virtual time, both intervals beyond 1. `differs`: both beyond it on other
   * sides. `open`: one holds 1, so the rounds do not tell.
   */
  readonly verdict: 'same' | 'differs' | 'open'
}

/** Every two policies, in the order given; intervals are of 95 %, by paired rounds. */
export function standings(paces: readonly Pace[]): readonly Standing[] {
  return paces.flatMap((one, at) => {
    return paces.slice(at + 1).map((other) => {
      const wire = ratioEstimate(one.wire, other.wire)
      const virtual = ratioEstimate(one.virtual, other.virtual)
      return { one: one.policy, other: other.policy, wire, virtual, ...verdict(wire, virtual) }
    })
  })
}

function verdict(wire: Estimate, virtual: Estimate): Pick<Standing, 'verdict'> {
  const sides = side(wire) * side(virtual)
  if (sides === 0) return { verdict: 'open' }
  return { verdict: sides > 0 ? 'same' : 'differs' }
}

/** 1 where the first is slower, -1 where it is faster, 0 where its interval does not tell. */
function side({ low, high }: Estimate): -1 | 0 | 1 {
  if (low > 1) return 1
  return high < 1 ? -1 : 0
}
