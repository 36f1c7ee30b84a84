import type { Quantity } from './metric-names.ts'
import type { Counters } from './replica-signals.ts'

/** One series. Equal but for its value it is the same one, told twice. */
interface Counted {
  readonly quantity: Quantity
  readonly engine: string
  readonly model: string
  /** What keeps series of one engine and model apart, such as a reason. */
  readonly part: string
  readonly value: number
}

/** 64 engines of 3 models, each with 16 quantities, are 3,072. */
const seriesMax = 8_192

const counterNames: readonly (keyof Counters)[] = [
  'queriedTokens',
  'hitTokens',
  'computedTokens',
  'cachedTokens',
  'transferredTokens',
  'generatedTokens',
  'preemptions',
  'rejections',
]

/** The quantities of one page, series by series, to be added up. */
export class Tally {
  readonly #quantities = new Map<Quantity, Map<string, Counted>>()
  #series = 0
  #refused = 0

  /** Series that were no count, or one too many. */
  get refused(): number {
    return this.#refused
  }

  /** Of one that comes again, as those of tensor-parallel ranks do, the larger value counts. */
  add(counted: Counted): void {
    const { quantity, engine, model, part, value } = counted
    // NaN, infinite and below nothing are no number of calls or tokens.
    if (!(value >= 0 && value <= Number.MAX_VALUE)) {
      this.#refused++
      return
    }
    let series = this.#quantities.get(quantity)
    if (series === undefined) {
      series = new Map()
      this.#quantities.set(quantity, series)
    }
    const key = `${engine}\n${model}\n${part}`
    const known = series.get(key)
    if (known !== undefined) {
      if (value > known.value) series.set(key, counted)
    } else if (this.#series >= seriesMax) this.#refused++
    else {
      this.#series++
      series.set(key, counted)
    }
  }

  /** Undefined where no series says it. Of all engines where none is named. */
  sum(quantity: Quantity, engine?: string): number | undefined {
    let sum: number | undefined
    for (const each of this.#of(quantity)) {
      if (engine === undefined || each.engine === engine) sum = (sum ?? 0) + each.value
    }
    return sum
  }

  max(quantity: Quantity, engine: string): number | undefined {
    let max: number | undefined
    for (const each of this.#of(quantity)) {
      if (each.engine === engine && (max === undefined || each.value > max)) max = each.value
    }
    return max
  }

  /** Those that say `quantity`, numbers by their size. */
  engines(quantity: Quantity): readonly string[] {
    const found = new Set<string>()
    for (const { engine } of this.#of(quantity)) found.add(engine)
    return [...found].toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
  }

  /** Every series that never goes back while the server runs. */
  counters(): ReadonlyMap<string, number> {
    const found = new Map<string, number>()
    for (const quantity of counterNames) {
      const series = this.#quantities.get(quantity) ?? new Map<string, Counted>()
      for (const [key, { value }] of series) found.set(`${quantity}\n${key}`, value)
    }
    return found
  }

  #of(quantity: Quantity): Iterable<Counted> {
    return this.#quantities.get(quantity)?.values() ?? []
  }
}
