import { breakerRows } from './breaker-rows.ts'
import { callRows } from './call-rows.ts'
import type { DrillFacts, Report } from './facts.ts'
import { loadRows } from './load-rows.ts'
import { traceRow } from './trace-row.ts'

/** Holds what was seen against what was promised. */
export function reportOf(facts: DrillFacts): Report {
  const { name, provider, seconds, rate } = facts.asked
  const rows = [traceRow(facts), ...loadRows(facts), ...callRows(facts), ...breakerRows(facts)]
  return {
    drill: name,
    provider,
    model: facts.model,
    seconds,
    rate,
    rows,
    isKept: rows.every(({ verdict }) => verdict !== 'broken'),
  }
}

const marks = { kept: 'ok', broken: 'BROKEN', told: '' }

/** For a person. */
export function shownReport(report: Report): string {
  const { drill, provider, seconds, rate, rows, isKept } = report
  const blocks = rows.map(({ name, promised, seen, verdict }) => {
    const mark = marks[verdict].padEnd(8)
    const promise = promised === '' ? [] : [`${' '.repeat(10)}promised  ${promised}`]
    return [`${mark}${name}`, ...promise, `${' '.repeat(10)}seen      ${seen}`].join('\n')
  })
  const end = isKept ? 'Every promise was kept.' : 'A promise was broken.'
  const head = `${drill} at ${provider} for ${seconds} s, ${rate} calls a second`
  return `\n${head}\n\n${blocks.join('\n')}\n\n${end}\n`
}
