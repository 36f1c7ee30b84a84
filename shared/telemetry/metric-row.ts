/** One metric: a row of the table from which docs, tests and the registry are made. */
export interface MetricRow {
  /** Full name as Prometheus shows it; a counter's ends with `_total`, a unit comes before that. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Upper bounds, ascending, without +Inf; only histograms have them. */
  readonly buckets?: readonly number[]
  /** OpenMetrics unit: the last word of the name (before `_total`), such as `seconds`. */
  readonly unit?: string
  /** Its name and unit in OpenTelemetry's own words, where its conventions have them. */
  readonly otel?: { readonly name: string; readonly unit: string }
}

/** One value for each label, in the row's order. */
export type LabelValues<Labels extends readonly string[]> = {
  readonly [Index in keyof Labels]: string
}

/** Values read at the moment of a scrape: one entry for each combination of label values. */
export type Reading<Labels extends readonly string[]> = () => Iterable<
  readonly [labels: LabelValues<Labels>, value: number]
>
