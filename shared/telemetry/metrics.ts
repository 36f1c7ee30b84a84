import assert from 'node:assert/strict'
import type { Generation } from './generations.ts'
import { histogramSeries } from './histogram.ts'
import { counterSeries, Family, gaugeSeries, type Series } from './metric-family.ts'
import type { LabelValues, MetricRow, Reading } from './metric-row.ts'
import { type Format, renderFamily } from './metric-text.ts'

export type { LabelValues, MetricRow, Reading } from './metric-row.ts'

export interface CounterSeries {
  /** Adds `amount`; negative and non-finite amounts are ignored, since a counter only grows. */
  add(amount: number): void
}

export interface GaugeSeries {
  set(value: number): void
  add(amount: number): void
}

export interface HistogramSeries {
  /** Counts one observation; NaN is ignored. Cost: one binary search over the buckets. */
  observe(value: number): void
}

/** What every metric offers besides its verbs. */
interface Handle<Labels extends readonly string[], Kept> {
  /** The series of these label values; kept by a hot path, it saves the look-up. */
  series(labels: LabelValues<Labels>): Kept
  /** Forgets one series, such as that of a replica that left. */
  remove(labels: LabelValues<Labels>): void
}

export interface Counter<Labels extends readonly string[]> extends Handle<Labels, CounterSeries> {
  add(amount: number, labels: LabelValues<Labels>): void
  /** Takes this metric's values from `reading` at every scrape instead of from `add`. */
  collect(reading: Reading<Labels>): void
}

export interface Gauge<Labels extends readonly string[]> extends Handle<Labels, GaugeSeries> {
  set(value: number, labels: LabelValues<Labels>): void
  add(amount: number, labels: LabelValues<Labels>): void
  /** Takes this metric's values from `reading` at every scrape instead of from `set`. */
  collect(reading: Reading<Labels>): void
}

export interface Histogram<Labels extends readonly string[]>
  extends Handle<Labels, HistogramSeries> {
  observe(value: number, labels: LabelValues<Labels>): void
}

export type MetricTable = Readonly<Record<string, MetricRow>>

type HandleOf<Row extends MetricRow> = Row['type'] extends 'counter'
  ? Counter<Row['labels']>
  : Row['type'] extends 'gauge'
    ? Gauge<Row['labels']>
    : Histogram<Row['labels']>

/** The handles of a table under the table's own keys. */
export type Handles<Table extends MetricTable> = {
  readonly [Key in keyof Table]: HandleOf<Table[Key]>
}

export interface Registry<Table extends MetricTable> {
  readonly metrics: Handles<Table>
  /** The whole exposition, in the table's order; cost grows with the number of series. */
  render(format: Format): string
  /** Everything that is counted, for those who send it elsewhere. */
  readonly families: readonly Family[]
  /** Whose names labels have from here on: `latest` until it is told. */
  speak(generation: Generation): void
}

/** Media types of the two renderings, for `content-type`. */
export const contentTypes: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** Picks the rendering for an `accept` header: OpenMetrics only where it is asked for. */
export function formatFor(accept: string | undefined): Format {
  return accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'prometheus'
}

export const overflowRow = {
  name: 'outrigger_metrics_overflow_total',
  help: 'Values that were counted under "other" because their metric has too many series.',
  type: 'counter',
  labels: ['metric'],
} as const satisfies MetricRow

interface AnyHandle {
  add(amount: number, labels: readonly string[]): void
  set(value: number, labels: readonly string[]): void
  observe(value: number, labels: readonly string[]): void
  series(labels: readonly string[]): Series
  remove(labels: readonly string[]): void
  collect(reading: Reading<readonly string[]>): void
}

/**
 * A registry made from one table. A metric keeps at most 1,000 series; what comes after is counted
 * in a series whose label values are all `other`. A bad row is a programmer error.
 *
 * The overload gives each handle the type of its row; the loop below cannot express that.
 */
export function defineMetrics<const Table extends MetricTable>(table: Table): Registry<Table>
export function defineMetrics(table: MetricTable): {
  metrics: Record<string, AnyHandle>
  render(format: Format): string
  families: readonly Family[]
  speak(generation: Generation): void
} {
  const overflow = new Family(overflowRow, counterSeries, () => {})
  const families: Family[] = []
  const metrics: Record<string, AnyHandle> = {}
  const names = new Set<string>([overflowRow.name])
  for (const [key, row] of Object.entries(table)) {
    checkRow(row, names)
    const family = new Family(row, seriesMaker(row), () => overflow.at([row.name]).add(1))
    families.push(family)
    metrics[key] = handleOf(family)
  }
  families.push(overflow)
  let generation: Generation = 'latest'
  return {
    metrics,
    families,
    speak(to) {
      generation = to
    },
    render(format) {
      const text = families.map((family) => renderFamily(family, format, generation)).join('')
      return format === 'openmetrics' ? `${text}# EOF\n` : text
    },
  }
}

function seriesMaker(row: MetricRow): (labels: readonly string[]) => Series {
  if (row.type === 'counter') return counterSeries
  if (row.type === 'gauge') return gaugeSeries
  const bounds = row.buckets ?? []
  return (labels) => histogramSeries(labels, bounds)
}

function handleOf(family: Family): AnyHandle {
  return {
    add: (amount, labels) => family.at(labels).add(amount),
    set: (value, labels) => family.at(labels).set(value),
    observe: (value, labels) => family.at(labels).observe(value),
    series: (labels) => family.at(labels),
    remove: (labels) => family.remove(labels),
    collect: (reading) => family.collect(reading),
  }
}

function checkRow(row: MetricRow, names: Set<string>): void {
  assert.match(row.name, /^[a-z_][a-z0-9_]*$/, `Cannot define metric "${row.name}": bad name`)
  assert(!names.has(row.name), `Cannot define metric "${row.name}": the name is taken`)
  names.add(row.name)
  const total = row.name.endsWith('_total')
  assert.equal(total, row.type === 'counter', `Cannot define metric "${row.name}": _total`)
  for (const label of row.labels) {
    const usable = /^[a-z_][a-z0-9_]*$/.test(label) && label !== 'le' && !label.startsWith('__')
    assert(usable, `Cannot define metric "${row.name}": bad label "${label}"`)
  }
  assert.equal(new Set(row.labels).size, row.labels.length, `Metric "${row.name}": label twice`)
  const bounds = row.buckets ?? []
  assert.equal(bounds.length > 0, row.type === 'histogram', `Metric "${row.name}": buckets`)
  for (const [index, bound] of bounds.entries()) {
    assert(bound > (bounds[index - 1] ?? -Infinity) && bound < Infinity, 'buckets must ascend')
  }
  if (row.unit !== undefined) {
    const family = row.name.replace(/_total$/, '')
    assert(family.endsWith(`_${row.unit}`), `Metric "${row.name}" must end with its unit`)
  }
}
