import type { HeaderList } from '#shared/http/headers.ts'
import { Bars } from './bars.ts'
import { blame } from './blame.ts'
import { ContinuousGauge } from './continuous-gauge.ts'
import { FixedGauge } from './fixed-gauge.ts'
import type { Gauge, Mark } from './gauge.ts'
import { type LimitFact, readLimit, readRetryAfter } from './headers.ts'
import { PlaceGauge } from './place-gauge.ts'
import { Probation } from './probation.ts'
import { type RefusalFacts, readRefusal } from './refusal.ts'
import { type Amounts, amountOf, type Dimension, type LimitShape } from './shape.ts'

/** Models of one credential whose limits are followed apart; those beyond share the last. */
const familiesMax = 64
/** A credential whose money or quota has run out is tried again this often. */
const exhaustedMs = 600_000
/** First wait after a refusal that says nothing of time; doubled with each that follows. */
const backOffMs = 1_000
const backOffMsMax = 60_000

/** A credential as configured. */
export interface CredentialOptions {
  readonly name: string
  /** Above 0; of two with equal headroom, the heavier is taken. */
  readonly weight: number
  /** Limits by the name of the dimension, per its window; those left out are learned. */
  readonly limits: Readonly<Record<string, number>>
  /** Of the account, above 0 to 1: one where no other process uses it. */
  readonly share: number
  /** Tells whether it is the same key at the same place: under one name may come another account. */
  readonly identity?: string | undefined
}

/** An answer of the provider, as much of it as tells of limits. */
export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: HeaderList
  /** Of a 429, as much as was read of it. */
  readonly body: string | undefined
  /** What is known of a 429 that has neither head nor body of its own. */
  readonly said?: Pick<RefusalFacts, 'unit' | 'waitMs'>
}

/** Gauges and what a call took of each, in one order. */
export interface Taken {
  readonly family: Family
  readonly marks: readonly Mark[]
}

/** The gauges that a call to one family of models has to pass. */
export interface Family {
  readonly name: string
  readonly gauges: readonly Gauge[]
  /** Undefined where limits are configured, or are not told. */
  readonly probation: Probation | undefined
}

export interface Moment {
  readonly nowMs: number
  readonly wallMs: number
}

/** What is known of one credential: a gauge for each dimension, and whether it is barred. */
export class Credential {
  readonly name: string
  readonly identity: string | undefined
  readonly #shape: LimitShape
  readonly #shared: readonly Gauge[]
  readonly #families = new Map<string, Family>()
  readonly #bars = new Bars()
  #options: CredentialOptions
  #blockedUntilMs = -Infinity
  #refusals = 0

  constructor(options: CredentialOptions, shape: LimitShape, nowMs: number) {
    this.name = options.name
    this.identity = options.identity
    this.#options = options
    this.#shape = shape
    this.#shared = this.#gauges('credential', nowMs)
  }

  /**
   * Takes over a configuration, and gives whether it could: of another account nothing that was
   * learned holds.
   */
  reconfigure(options: CredentialOptions, nowMs: number): boolean {
    const { limits, share } = this.#options
    if (this.name !== options.name || this.identity !== options.identity) return false
    for (const [, gauge] of this.gauges) {
      const configured = options.limits[gauge.dimension.name]
      if (configured !== limits[gauge.dimension.name]) gauge.setLimit(configured, nowMs)
      if (options.share !== share) gauge.setShare(options.share)
    }
    this.#options = options
    return true
  }

  /** Nothing more goes by it until then, for one model or for all: it was refused. */
  bar(untilMs: number, model: string | undefined): void {
    this.#bars.set(untilMs, model)
  }

  /** Until when it is barred for `model`; -Infinity where it never was. */
  barredUntilMs(model: string): number {
    return this.#bars.untilMs(model)
  }

  get weight(): number {
    return this.#options.weight
  }

  /** Until when nothing at all goes by this credential. */
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
    const facts = this.#facts(answer, taken.family, moment)
    taken.family.probation?.end()
    if (answer.status === 429) {
      this.#refused(answer, { taken, facts, moment })
      return true
    }
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

  #facts({ headers }: Answer, { gauges }: Family, { wallMs }: Moment): (LimitFact | undefined)[] {
    return gauges.map(({ dimension }) =>
      dimension.headers === undefined ? undefined : readLimit(headers, dimension.headers, wallMs),
    )
  }

  #refused(answer: Answer, { taken, facts, moment }: Refused): void {
    const { gauges } = taken.family
    const { nowMs, wallMs } = moment
    const refusal = { ...readRefusal(answer.body ?? ''), ...answer.said }
    const waitMs = readRetryAfter(answer.headers, wallMs) ?? refusal.waitMs
    const blamed = blame({ gauges, facts, refusal, marks: taken.marks, nowMs })
    this.#refusals++
    if (refusal.kind === 'exhausted') this.#block(nowMs + (waitMs ?? exhaustedMs))
    else if (blamed.length === 0) this.#block(nowMs + (waitMs ?? this.#backOffMs()))
    for (const [at, gauge] of gauges.entries()) {
      const mark = taken.marks[at]
      if (mark === undefined) continue
      const isBlamed = refusal.kind === 'limit' && blamed.includes(gauge)
      const fact = facts[at] ?? (isBlamed ? factOf(refusal) : undefined)
      const { amount } = mark
      this.#endRefused(gauge, mark, nowMs)
      if (isBlamed) {
        // Fewer at a time is an answer, unless there was only one.
        const isPlace = gauge.dimension.unit === 'concurrency' && mark.inFlight > 0
        const isSilent = fact?.remaining === undefined && !isPlace
        const askedMs = waitMs ?? (isSilent ? this.#backOffMs() : undefined)
        gauge.refused(mark, { fact, amount, waitMs: askedMs }, nowMs)
      }
      if (fact !== undefined) gauge.learn(fact, mark, nowMs)
    }
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
  readonly moment: Moment
}

/** Some bodies name the limit and what was used of it. */
function factOf({ limit, used }: RefusalFacts): LimitFact | undefined {
  if (limit === undefined) return undefined
  const remaining = used === undefined ? undefined : Math.max(0, limit - used)
  return { limit, remaining, resetMs: undefined }
}
