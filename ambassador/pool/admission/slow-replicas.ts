import type { Member } from '../dispatch/member.ts'

/** First tokens that must have come from a replica before it is compared. */
const callsMin = 20
/**
 * How many times as long as forecast, against the others, makes an outlier. Up to there the price of its
 * speed does better: in simulation a replica six times as slow as seven others kept 2 to 4 % of the calls,
 * and the pool was 5 % slower without it at load 0.8.
 */
const factor = 10
/** Out for so long, longer by as much each time; as addresses are that fail their calls. */
const outMs = { base: 30_000, most: 300_000 } as const

interface Slowness {
  calls: number
  /** Decaying mean of the logarithm of the ratio to the forecast at usual speed. */
  meanLog: number
  untilMs: number
  times: number
}

/**
 * Replicas whose first tokens take many times what the others' do for the same work. Their price turns most
 * calls away from them; but who has its prefix there would stay for ever.
 */
export class SlowReplicas {
  readonly #known = new WeakMap<Member, Slowness>()

  /** A first token came from it: `ratio` by the forecast for a replica of usual speed. */
  record(member: Member, ratio: number): void {
    const slowness = this.#of(member)
    slowness.calls++
    const weight = 1 / Math.min(slowness.calls, callsMin)
    slowness.meanLog += weight * (Math.log(ratio) - slowness.meanLog)
  }

  isOut(member: Member, nowMs: number): boolean {
    return (this.#known.get(member)?.untilMs ?? 0) > nowMs
  }

  /** Puts out who is an outlier among `members`, and gives them. Half of all stay in. */
  compare(members: readonly Member[], nowMs: number): readonly Member[] {
    const found: Member[] = []
    for (const member of members) {
      const slowness = this.#of(member)
      const others = members.filter((other) => other !== member && !this.isOut(other, nowMs))
      if (slowness.untilMs > nowMs || slowness.calls < callsMin) continue
      if (others.length < members.length / 2 || !this.#isOutlier(slowness, others)) continue
      slowness.times++
      slowness.untilMs = nowMs + Math.min(outMs.base * slowness.times, outMs.most)
      // What it was says nothing of what it is when it comes back.
      slowness.calls = 0
      slowness.meanLog = 0
      found.push(member)
    }
    return found
  }

  #isOutlier({ meanLog }: Slowness, others: readonly Member[]): boolean {
    const means = others
      .map((other) => this.#of(other))
      .filter(({ calls }) => calls >= callsMin)
      .map((other) => other.meanLog)
      .toSorted((one, other) => one - other)
    const middle = means[Math.floor(means.length / 2)]
    return middle !== undefined && meanLog - middle >= Math.log(factor)
  }

  #of(member: Member): Slowness {
    const known = this.#known.get(member)
    if (known !== undefined) return known
    const fresh = { calls: 0, meanLog: 0, untilMs: 0, times: 0 }
    this.#known.set(member, fresh)
    return fresh
  }
}
