import type { MetricRow, Reading } from './metric-row.ts'

/** Most series one metric keeps: a caller who varies a label must not fill the memory. */
export const seriesMax = 1_000

/** One sample of a rendering: a suffix to the name, extra label pair, value. */
export type Emit = (suffix: string, bound: number | undefined, value: number) => void

/** One combination of label values; the verbs a type does not have do nothing. */
export interface Series {
  readonly labels: readonly string[]
  add(amount: number): void
  set(value: number): void
  observe(value: number): void
  samples(emit: Emit): void
}

const nothing = () => {}

/** A series that only grows; its sample's suffix is `_total`. */
export function counterSeries(labels: readonly string[]): Series {
  let value = 0
  return {
    labels,
    add(amount) {
      // A provider's usage feeds counters: one bad figure must not make the sum fall or NaN.
      if (amount > 0 && amount < Infinity) value += amount
    },
    set: nothing,
    observe: nothing,
    samples: (emit) => emit('_total', undefined, value),
  }
}

export function gaugeSeries(labels: readonly string[]): Series {
  let value = 0
  return {
    labels,
    add(amount) {
      value += amount
    },
    set(next) {
      value = next
    },
    observe: nothing,
    samples: (emit) => emit('', undefined, value),
  }
}

/** Label values beyond this many characters are cut: a series stays small. */
const labelCharsMax = 128

type Node = Map<string, Node | Series>

/**
 * All series of one metric. They hang in a tree with one level per label rather than under a
 * joined key: a look-up allocates nothing, and no value can be mistaken for two.
 */
export class Family {
  readonly row: MetricRow
  readonly #make: (labels: readonly string[]) => Series
  readonly #onOverflow: () => void
  readonly #root: Node = new Map()
  readonly #all = new Set<Series>()
  readonly #single: Series | undefined
  #other: Series | undefined
  #reading: Reading<readonly string[]> | undefined

  constructor(row: MetricRow, make: (labels: readonly string[]) => Series, onOverflow: () => void) {
    this.row = row
    this.#make = make
    this.#onOverflow = onOverflow
    // Without labels there is one series and it exists from the start: absent is not zero.
    if (row.labels.length === 0) {
      this.#single = make([])
      this.#all.add(this.#single)
    }
  }

  /** The series of these label values, made where it is missing and there is room. */
  at(labels: readonly string[]): Series {
    if (this.#single !== undefined) return this.#single
    return this.#find(labels) ?? this.#create(labels)
  }

  remove(labels: readonly string[]): void {
    const series = this.#find(labels)
    if (series === undefined || series === this.#other) return
    this.#all.delete(series)
    this.#prune(this.#root, series.labels)
  }

  collect(reading: Reading<readonly string[]>): void {
    this.#reading = reading
  }

  /** Every series as of this moment. */
  snapshot(): Iterable<Series> {
    if (this.#reading === undefined) return this.#all
    const read: Series[] = []
    for (const [labels, value] of this.#reading()) {
      if (read.length === seriesMax) {
        this.#onOverflow()
        break
      }
      const series = this.#make(this.#cut(labels))
      if (this.row.type === 'gauge') series.set(value)
      else series.add(value)
      read.push(series)
    }
    return read
  }

  #find(labels: readonly string[]): Series | undefined {
    let node: Node | Series | undefined = this.#root
    for (let level = 0; level < this.row.labels.length; level++) {
      if (!(node instanceof Map)) return undefined
      node = node.get(cutLabel(labels[level]))
    }
    return node instanceof Map ? undefined : node
  }

  #create(labels: readonly string[]): Series {
    // One place is kept for "other", so that the limit holds with it.
    if (this.#all.size >= seriesMax - 1) {
      this.#onOverflow()
      this.#other ??= this.#insert(this.row.labels.map(() => 'other'))
      return this.#other
    }
    return this.#insert(this.#cut(labels))
  }

  #insert(labels: readonly string[]): Series {
    const known = this.#find(labels)
    if (known !== undefined) return known
    const series = this.#make(labels)
    let node = this.#root
    for (const value of labels.slice(0, -1)) {
      const next: Node | Series | undefined = node.get(value)
      if (next instanceof Map) {
        node = next
        continue
      }
      const made: Node = new Map()
      node.set(value, made)
      node = made
    }
    node.set(labels.at(-1) ?? '', series)
    this.#all.add(series)
    return series
  }

  /** Removes the leaf and the branches it leaves empty: replicas come and go for months. */
  #prune(node: Node, labels: readonly string[]): void {
    const [first = '', ...rest] = labels
    const next = node.get(first)
    if (next instanceof Map) this.#prune(next, rest)
    if (!(next instanceof Map) || next.size === 0) node.delete(first)
  }

  #cut(labels: readonly string[]): readonly string[] {
    return this.row.labels.map((_, index) => cutLabel(labels[index]))
  }
}

function cutLabel(value: string | undefined): string {
  if (value === undefined) return ''
  return value.length > labelCharsMax ? value.slice(0, labelCharsMax) : value
}
