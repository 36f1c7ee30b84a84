import { type Generation, namesIn } from './generations.ts'
import type { Family, Series } from './metric-family.ts'

/** `prometheus`: text format 0.0.4; `openmetrics`: OpenMetrics text 1.0.0. */
export type Format = 'prometheus' | 'openmetrics'

/** One metric with its head lines; nothing at all where it has no series yet. */
export function renderFamily(family: Family, format: Format, generation: Generation): string {
  const { row } = family
  // OpenMetrics names a counter's family without `_total`; Prometheus' older text with it.
  const base = row.type === 'counter' ? row.name.slice(0, -'_total'.length) : row.name
  const head = format === 'openmetrics' ? base : row.name
  let text = `# HELP ${head} ${escapeHelp(row.help, format)}\n# TYPE ${head} ${row.type}\n`
  if (format === 'openmetrics' && row.unit !== undefined) text += `# UNIT ${head} ${row.unit}\n`
  let samples = 0
  const names = row.labels.map((label) => namesIn(generation, label))
  for (const series of family.snapshot()) {
    const labels = labelText(names, series)
    series.samples((suffix, bound, value) => {
      const pairs = bound === undefined ? labels : withBound(labels, boundText(bound, format))
      text += `${base}${suffix}${pairs === '' ? '' : `{${pairs}}`} ${numberText(value)}\n`
      samples++
    })
  }
  return samples === 0 ? '' : text
}

function labelText(names: readonly (readonly string[])[], series: Series): string {
  return names
    .flatMap((each, index) => {
      const value = escape(series.labels[index] ?? '')
      return each.map((name) => `${name}="${value}"`)
    })
    .join(',')
}

function withBound(labels: string, bound: string): string {
  return labels === '' ? `le="${bound}"` : `${labels},le="${bound}"`
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  return String(value)
}

/** OpenMetrics wants canonical floats: "1.0", never "1" (its section "Canonical Numbers"). */
function boundText(bound: number, format: Format): string {
  const text = numberText(bound)
  return format === 'openmetrics' && /^-?\d+$/.test(text) ? `${text}.0` : text
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

function escape(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replace(/[\\"\n]/g, (character) => escapes[character] ?? character)
    : value
}

/** The older text does not know `\"` in help; it would show the backslash. */
function escapeHelp(help: string, format: Format): string {
  if (format === 'openmetrics') return escape(help)
  return help.replace(/[\\\n]/g, (character) => escapes[character] ?? character)
}
