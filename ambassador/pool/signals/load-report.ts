import { isObject } from '#shared/dialects/usage.ts'

/**
 * What an answer’s `endpoint-load-metrics` says of its replica. vLLM sends it only where the
 * request asked by `endpoint-load-metrics-format: JSON`, never on a stream, and with several
 * engines it is one engine’s: then it is no gauge of the replica.
 */
export interface LoadReport {
  readonly running: number | undefined
  readonly waiting: number | undefined
  readonly kvUsage: number | undefined
}

const charsMax = 4_096

/**
 * Reads the header in both of its forms, `JSON {"named_metrics":{…}}` and `TEXT
 * named_metrics.num_requests_waiting=0.0, …`. Undefined where it says none of the three, or is
 * binary. Source: the ORCA proposal of Envoy and gRPC; vLLM 0.32, measured.
 */
export function readLoadReport(header: string | undefined): LoadReport | undefined {
  if (header === undefined || header.length > charsMax) return undefined
  const space = header.indexOf(' ')
  if (space < 0) return undefined
  const form = header.slice(0, space).toUpperCase()
  const text = header.slice(space + 1)
  if (form === 'JSON') return reportOf(metricsInJson(text))
  return form === 'TEXT' ? reportOf(metricsInText(text)) : undefined
}

function reportOf(metrics: ReadonlyMap<string, number>): LoadReport | undefined {
  const running = metrics.get('num_requests_running')
  const waiting = metrics.get('num_requests_waiting')
  const usage = metrics.get('kv_cache_usage_perc')
  if (running === undefined && waiting === undefined && usage === undefined) return undefined
  return { running, waiting, kvUsage: usage === undefined ? undefined : Math.min(1, usage) }
}

function metricsInJson(text: string): ReadonlyMap<string, number> {
  const metrics = new Map<string, number>()
  for (const [name, value] of Object.entries(namedMetrics(text))) note(metrics, name, value)
  return metrics
}

function namedMetrics(text: string): Readonly<Record<string, unknown>> {
  try {
    const report: unknown = JSON.parse(text)
    const named = isObject(report) ? report['named_metrics'] : undefined
    return isObject(named) ? named : {}
  } catch {
    // A header that is cut or of another form says nothing.
    return {}
  }
}

const prefix = 'named_metrics.'

function metricsInText(text: string): ReadonlyMap<string, number> {
  const metrics = new Map<string, number>()
  for (const pair of text.split(',')) {
    const [name = '', value = ''] = pair.trim().split('=', 2)
    if (name.startsWith(prefix) && value !== '')
      note(metrics, name.slice(prefix.length), Number(value))
  }
  return metrics
}

function note(metrics: Map<string, number>, name: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_VALUE) metrics.set(name, value)
}
