import { blame } from './blame.ts'
import type { Connections } from './connections.ts'
import { ContinuousGauge } from './continuous-gauge.ts'
import type { Answer, Moment } from './credential.ts'
import { FixedGauge } from './fixed-gauge.ts'
import type { Gauge, Mark } from './gauge.ts'
import { type LimitFact, readLimit, readRetryAfter } from './headers.ts'
import { PlaceGauge } from './place-gauge.ts'
import { Probation } from './probation.ts'
import { headersInBody, isOfCallAlone, type RefusalFacts, readRefusal } from './refusal.ts'
import { type Amounts, amountOf, type Dimension, type LimitShape } from './shape.ts'

/** Models of one account whose limits are followed apart; those beyond share the last. */
const familiesMax = 64
/** An account whose money or quota has run out is tried again this often. */
const exhaustedMs = 600_000
/** First wait after a refusal that says nothing of time; doubled with each that follows. */
const backOffMs = 1_000
const backOffMsMax = 60_000

/** What an account may use, as configured. */
export interface AccountOptions {
  /** Limits by the name of the dimension, per its window; those left out are learned. */
  readonly limits: Readonly<Record<string, number>>
  /** Of the account, above 0 to 1: one where no other process uses it. */
  readonly share: number
}

/** Gauges and what a call took of each, in one order. */
export interface Taken {
  readonly family: Family
  readonly marks: readonly Mark[]
  /** Undefined where there are as many as there are calls. */
  readonly connections: Connections | undefined
  readonly sentMs: number
}

/** The gauges that a call to one family of models has to pass. */
export interface Family {
  readonly name: string
  readonly gauges: readonly Gauge[]
  /** Undefined where limits are configured, or are not told. */
  readonly probation: Probation | undefined
}

/** What is known of one account's limits: a gauge for each dimension, for all of its credentials. */
export class Account {
  readonly #shape: LimitShape
  readonly #shared: readonly Gauge[]
  readonly #families = new Map<string, Family>()
  #options: AccountOptions
  #blockedUntilMs = -Infinity
  #refusals = 0

  constructor(options: AccountOptions, shape: LimitShape, nowMs: number) {
    this.#options = options
    this.#shape = shape
    this.#shared = this.#gauges('credential', nowMs)
  }

  /** Takes over a configuration; what is known of its use stays. */
  reconfigure(options: AccountOptions, nowMs: number): void {
    const { limits, share } = this.#options
    for (const [, gauge] of this.gauges) {
      const configured = options.limits[gauge.dimension.name]
      if (configured !== limits[gauge.dimension.name]) gauge.setLimit(configured, nowMs)
      if (options.share !== share) gauge.setShare(options.share)
    }
    this.#options = options
  }

  /** Until when nothing at all goes by this account. */
  get blockedUntilMs(): number {
    return this.#blockedUntilMs
  }

  /** Each gauge once, with the family of models that it is for; empty where it is for all. */
  get gauges(): readonly (readonly [string, Gauge])[] {
    const own = [...this.#families.values()].flatMap(({ name, gauges }) =>
      gauges
        .filter((gauge) => !this.#shared.includes(gauge))
        .map((gauge) => [name, gauge] as const),
    )
    return [...this.#shared.map((gauge) => ['', gauge] as const), ...own]
  }

  family(name: string, nowMs: number): Family {
    const known = this.#families.get(name)
    if (known !== undefined) return known
    const kept = this.#families.size < familiesMax - 1 ? name : ''
    const other = this.#families.get(kept)
    if (other !== undefined) return other
    const gauges = [...this.#shared, ...this.#gauges('model', nowMs)]
    const told = this.#shape.dimensions.filter(({ headers }) => headers !== undefined)
    const isConfigured = told.some((dimension) => dimension.name in this.#options.limits)
    const probation = told.length === 0 || isConfigured ? undefined : new Probation()
    const made = { name: kept, gauges, probation }
    this.#families.set(kept, made)
    return made
  }

  /**
   * Reads an answer to a call that had `taken`. Gives whether the call was refused for a limit: then
   * it holds nothing any more.
   */
  observe(answer: Answer, taken: Taken, moment: Moment): boolean {
    taken.family.probation?.end()
    if (answer.status === 429) {
      this.#refused(answer, taken, moment)
      return true
    }
    const facts = factsIn(answer, taken.family, { wallMs: moment.wallMs, windowMs: undefined })
    if (answer.status < 400) this.#refusals = 0
    const isAdmitted = answer.status < 500
    for (const [at, gauge] of taken.family.gauges.entries()) {
      const mark = taken.marks[at]
      if (mark === undefined) continue
      const fact = facts[at]
      if (fact !== undefined) gauge.learn(fact, mark, moment.nowMs)
      if (isAdmitted) gauge.admitted(mark)
    }
    return false
  }

  /** The call of `taken` has ended; `final` is undefined where its reservation stands. */
  settle({ family, marks }: Taken, final: Amounts | undefined, nowMs: number): void {
    for (const [at, gauge] of family.gauges.entries()) {
      const mark = marks[at]
      const amount = final === undefined ? undefined : amountOf(final, gauge.dimension.unit)
      if (mark !== undefined) gauge.settle(mark, amount, nowMs)
    }
  }

  /** The call of `taken` was answered without any work: at most the request counts. */
  dismiss({ family, marks }: Taken, nowMs: number): void {
    for (const [at, gauge] of family.gauges.entries()) {
      const mark = marks[at]
      if (mark !== undefined) this.#endRefused(gauge, mark, nowMs)
    }
  }

  /** The call of `taken` was never sent. */
  cancel({ family, marks }: Taken, nowMs: number): void {
    family.probation?.giveBack()
    for (const [at, gauge] of family.gauges.entries()) {
      const mark = marks[at]
      if (mark !== undefined) gauge.cancel(mark, nowMs)
    }
  }

  #endRefused(gauge: Gauge, mark: Mark, nowMs: number): void {
    const isCounted = this.#shape.countsRefused && gauge.dimension.unit === 'requests'
    if (isCounted) gauge.settle(mark, undefined, nowMs)
    else gauge.giveBack(mark, nowMs)
  }

  #gauges(scope: Dimension['scope'], nowMs: number): Gauge[] {
    const wanted = this.#shape.dimensions.filter((dimension) => dimension.scope === scope)
    return wanted.map((dimension) => {
      const gauge = gaugeOf(dimension, this.#options.limits[dimension.name], nowMs)
      if (this.#options.share < 1) gauge.setShare(this.#options.share)
      return gauge
    })
  }

  #refused(answer: Answer, taken: Taken, moment: Moment): void {
    const { gauges } = taken.family
    const refusal = { ...readRefusal(answer.body ?? ''), ...answer.said }
    const { windowMs } = refusal
    const headers = [...answer.headers, ...headersInBody(answer.body)]
    const facts = factsIn({ headers }, taken.family, { wallMs: moment.wallMs, windowMs })
    const { marks } = taken
    const blamed = blame({ gauges, facts, refusal, marks, nowMs: moment.nowMs })
    if (isOfCallAlone(refusal)) {
      // Larger than the limit, however little of that is used: of calls that fit it says nothing.
      this.dismiss(taken, moment.nowMs)
      for (const [at, gauge] of gauges.entries()) {
        const mark = marks[at]
        const limit = facts[at]?.limit ?? (blamed.includes(gauge) ? refusal.limit : undefined)
        if (mark === undefined || limit === undefined) continue
        gauge.learn({ limit, remaining: undefined, resetMs: undefined }, mark, moment.nowMs)
      }
      return
    }
    this.#refusals++
    const askedMs = readRetryAfter(answer.headers, moment.wallMs) ?? refusal.waitMs
    this.#blame({ taken, facts, refusal, blamed, askedMs }, moment.nowMs)
  }

  #blame({ taken, facts, refusal, blamed, askedMs }: Refused, nowMs: number): void {
    if (refusal.kind === 'exhausted') this.#block(nowMs + (askedMs ?? exhaustedMs))
    else if (blamed.length === 0) this.#block(nowMs + (askedMs ?? this.#backOffMs()))
    for (const [at, gauge] of taken.family.gauges.entries()) {
      const mark = taken.marks[at]
      if (mark === undefined) continue
      const isBlamed = refusal.kind === 'limit' && blamed.includes(gauge)
      const fact = facts[at] ?? (isBlamed ? factOf(refusal) : undefined)
      const { amount } = mark
      this.#endRefused(gauge, mark, nowMs)
      if (isBlamed) {
        const waitMs = askedMs ?? this.#waitOf(gauge, mark, fact)
        gauge.refused(mark, { fact, amount, waitMs }, nowMs)
      }
      if (fact !== undefined) gauge.learn(fact, mark, nowMs)
    }
  }

  /** How long a gauge that is to blame stays shut where nobody says it. */
  #waitOf({ dimension }: Gauge, mark: Mark, fact: LimitFact | undefined): number | undefined {
    if (dimension.window === 'fixed' && fact?.remaining === 0) return fact.resetMs
    // Fewer at a time is an answer, unless there was only one.
    const isPlace = dimension.unit === 'concurrency' && mark.inFlight > 0
    return fact?.remaining === undefined && !isPlace ? this.#backOffMs() : undefined
  }

  #block(untilMs: number): void {
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, untilMs)
  }

  #backOffMs(): number {
    return Math.min(backOffMs * 2 ** Math.min(this.#refusals - 1, 10), backOffMsMax)
  }
}

function gaugeOf(dimension: Dimension, configured: number | undefined, nowMs: number): Gauge {
  if (dimension.unit === 'concurrency') return new PlaceGauge(dimension, configured)
  if (dimension.window === 'fixed') return new FixedGauge(dimension, configured, nowMs)
  return new ContinuousGauge(dimension, configured, nowMs)
}

interface Refused {
  readonly taken: Taken
  readonly facts: readonly (LimitFact | undefined)[]
  readonly refusal: RefusalFacts
  readonly blamed: readonly Gauge[]
  /** How long the provider asks to stay away. */
  readonly askedMs: number | undefined
}

/** When an answer is read, and which window its body says that it is about. */
interface Reading {
  readonly wallMs: number
  readonly windowMs: number | undefined
}

function factsIn(
  { headers }: Pick<Answer, 'headers'>,
  { gauges }: Family,
  { wallMs, windowMs }: Reading,
): (LimitFact | undefined)[] {
  return gauges.map(({ dimension }) => {
    const names = dimension.headers
    if (names === undefined) return undefined
    // The same header tells now of this window, now of that.
    if (names.isOfNamedWindow === true && windowMs !== dimension.windowMs) return undefined
    return readLimit(headers, names, wallMs)
  })
}

/** Some bodies name the limit and what was used of it. */
function factOf({ limit, used }: RefusalFacts): LimitFact | undefined {
  if (limit === undefined) return undefined
  const remaining = used === undefined ? undefined : Math.max(0, limit - used)
  return { limit, remaining, resetMs: undefined }
}
