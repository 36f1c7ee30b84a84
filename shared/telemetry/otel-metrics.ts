import { type HrTime, ValueType } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { collectorConnections } from './collector-connections.ts'
import { type Generation, namesIn } from './generations.ts'
import type { Family, Series } from './metric-family.ts'
import type { MetricRow } from './metric-row.ts'
import type { MetricsPush, MetricsPushOptions } from './metrics-push.ts'
import { stopMsMax } from './tracing.ts'

type ResourceMetrics = Parameters<OTLPMetricExporter['export']>[0]
type MetricData = ResourceMetrics['scopeMetrics'][number]['metrics'][number]

/** Longest one push may take, retries included, in milliseconds. */
const pushMs = 10_000
/** `AggregationTemporality.CUMULATIVE` and the `DataPointType`s, whose package is not a dependency of ours. */
const cumulative = 1
const histogram = 0
const gauge = 2
const sum = 3

/**
 * Sends what the registry holds over OTLP/HTTP, again and again: the same series as `/metrics`, so that
 * nothing is counted twice within the process. Imported only where the configuration turns it on.
 *
 * A collector's credential comes from `OTEL_EXPORTER_OTLP_HEADERS`, which the exporter reads.
 */
export async function startMetricsPush(options: MetricsPushOptions): Promise<MetricsPush> {
  const push = new Push(options)
  push.schedule()
  return push
}

class Push implements MetricsPush {
  readonly #options: MetricsPushOptions
  readonly #connections = collectorConnections()
  readonly #exporter: OTLPMetricExporter
  readonly #startTime: HrTime
  #undo: () => void = () => {}
  #isBusy = false
  #onIdle: () => void = () => {}

  constructor(options: MetricsPushOptions) {
    this.#options = options
    this.#startTime = timeOf(options.clock.wall())
    this.#exporter = new OTLPMetricExporter({
      url: options.endpoint,
      timeoutMillis: pushMs,
      concurrencyLimit: 2,
      httpAgentOptions: this.#connections.agentFor,
    })
  }

  schedule(): void {
    const { clock, intervalMs } = this.#options
    this.#undo = clock.after(intervalMs, () => {
      this.#send()
      this.schedule()
    })
  }

  async stop(): Promise<void> {
    this.#undo()
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
    const undo = this.#options.clock.after(stopMsMax, () => this.#onIdle())
    if (!this.#isBusy) this.#send()
    await idle
    undo()
    this.#connections.close()
  }

  #send(): void {
    const { onFailed } = this.#options
    if (this.#isBusy) return onFailed('busy')
    this.#isBusy = true
    this.#exporter.export(this.#read(), ({ code }) => {
      if (code !== 0) onFailed('export-failed')
      this.#isBusy = false
      this.#onIdle()
    })
  }

  #read(): ResourceMetrics {
    const { service, instance, families, generation, clock } = this.#options
    const times = { startTime: this.#startTime, endTime: timeOf(clock.wall()) }
    return {
      resource: resourceFromAttributes({
        'service.name': service,
        'service.instance.id': instance,
      }),
      scopeMetrics: [
        {
          scope: { name: 'outrigger' },
          metrics: families.flatMap((family) => metricOf(family, { times, generation })),
        },
      ],
    }
  }
}

interface Told {
  readonly times: { readonly startTime: HrTime; readonly endTime: HrTime }
  readonly generation: Generation
}

/** Nothing where the metric has no series yet. */
function metricOf(family: Family, { times, generation }: Told): MetricData[] {
  const { row } = family
  const points = Array.from(family.snapshot(), (series) => ({
    ...times,
    attributes: attributesOf(row, series, generation),
    series,
  }))
  if (points.length === 0) return []
  const common = { descriptor: descriptorOf(row), aggregationTemporality: cumulative } as const
  if (row.type === 'histogram') {
    const dataPoints = points.map(({ series, ...rest }) => ({
      ...rest,
      value: histogramOf(series, row.buckets ?? []),
    }))
    return [{ ...common, dataPointType: histogram, dataPoints }]
  }
  const dataPoints = points.map(({ series, ...rest }) => ({ ...rest, value: valueOf(series) }))
  if (row.type === 'gauge') return [{ ...common, dataPointType: gauge, dataPoints }]
  return [{ ...common, dataPointType: sum, dataPoints, isMonotonic: true }]
}

const units: Readonly<Record<string, string>> = { seconds: 's', bytes: 'By' }

/** A receiver that speaks Prometheus adds `_total` itself. */
function descriptorOf(row: MetricRow) {
  return {
    name: row.otel?.name ?? row.name.replace(/_total$/, ''),
    description: row.help,
    unit: row.otel?.unit ?? units[row.unit ?? ''] ?? '',
    valueType: ValueType.DOUBLE,
  }
}

/** Of the conventions' metrics an empty label is an absent attribute: a success has no `error.type`. */
function attributesOf(row: MetricRow, series: Series, generation: Generation) {
  const attributes: Record<string, string> = {}
  for (const [index, label] of row.labels.entries()) {
    const value = series.labels[index] ?? ''
    if (row.otel !== undefined && value === '') continue
    for (const name of namesIn(generation, label)) {
      attributes[row.otel === undefined ? name : dotted(name)] = value
    }
  }
  return attributes
}

/** `gen_ai_token_type` is `gen_ai.token.type`. */
function dotted(label: string): string {
  const own = label.startsWith('gen_ai_') ? 'gen_ai.' : ''
  return own + label.slice(own.length).replaceAll('_', '.')
}

function valueOf(series: Series): number {
  let found = 0
  series.samples((_suffix, _bound, value) => {
    found = value
  })
  return found
}

function histogramOf(series: Series, boundaries: readonly number[]) {
  const counts: number[] = []
  let before = 0
  let total = 0
  let count = 0
  series.samples((suffix, _bound, value) => {
    if (suffix === '_sum') total = value
    else if (suffix === '_count') count = value
    else {
      counts.push(value - before)
      before = value
    }
  })
  return { buckets: { boundaries: [...boundaries], counts }, sum: total, count }
}

function timeOf(wallMs: number): HrTime {
  const seconds = Math.floor(wallMs / 1_000)
  return [seconds, Math.round((wallMs - seconds * 1_000) * 1e6)]
}
