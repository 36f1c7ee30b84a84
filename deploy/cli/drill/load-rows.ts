import type { CallRecord, Phase } from './call.ts'
import { type DrillFacts, hasTimeToRecover, type ReportRow } from './facts.ts'

const phases: readonly Phase[] = ['before', 'during', 'after']

/** What was asked, who answered, and how soon. */
export function loadRows(facts: DrillFacts): ReportRow[] {
  const { records, skipped } = facts
  const sent = phases.map((phase) => `${count(records, { phase })} ${phase}`).join(', ')
  const answered = records.filter(({ outcome }) => outcome === 'answered')
  const who = tally(answered.map(({ provider }) => provider))
  const told = (name: string, seen: string): ReportRow => ({
    id: name,
    name,
    promised: '',
    seen,
    verdict: 'told',
  })
  const late = skipped === 0 ? '' : `; ${skipped} more were due while too many were under way`
  return [
    told('calls', `${records.length}: ${sent} the fault${late}`),
    told('answered', `${answered.length} by ${who}`),
    recoveryRow(facts),
    ...floodRow(facts),
    firstTokenRow(facts),
  ]
}

function count(records: readonly CallRecord[], is: Partial<CallRecord>): number {
  return records.filter((record) => (is.phase ?? record.phase) === record.phase).length
}

/** `3 × openai, 1 × azure`, the most frequent first. */
export function tally(words: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a)
  return sorted.map(([word, times]) => `${times} × ${word}`).join(', ') || 'nobody'
}

/** The calls that came last: of each ten one. */
const lastShare = 0.1

function recoveryRow(facts: DrillFacts): ReportRow {
  const { records, asked, config, putAside } = facts
  const after = records.filter(({ phase, outcome }) => phase === 'after' && outcome === 'answered')
  const last = after.slice(-Math.max(5, Math.ceil(lastShare * records.length)))
  const back = last.filter(({ provider }) => provider === asked.provider).length
  const common = {
    id: 'recovery',
    name: `calls that ${asked.provider} answers again in the end`,
    seen: `${back} of the last ${last.length}`,
  }
  if (!hasTimeToRecover(facts)) {
    const seen = `${common.seen}; more only after a longer while than this`
    return { ...common, promised: '', seen, verdict: 'told' }
  }
  const keys = config.providers[asked.provider]?.credentials.length ?? 1
  if (putAside.length >= keys && back === 0) {
    const seen = `${common.seen}; none before ${putAside.join(', ')} is asked again`
    return { ...common, promised: '', seen, verdict: 'told' }
  }
  const verdict = back > 0 ? 'kept' : 'broken'
  return { ...common, promised: 'some: nothing is wrong with it any more', verdict }
}

function floodRow({ records }: DrillFacts): ReportRow[] {
  const batch = records.filter(({ callClass }) => callClass === 'batch')
  if (batch.length === 0) return []
  const refused = batch.filter(({ outcome }) => outcome === 'refused')
  const untold = refused.filter(({ hasRetryAfter }) => !hasRetryAfter).length
  return [
    {
      id: 'flood',
      name: 'the flood',
      promised: 'calls over the tenant’s limit are refused with 429 and retry-after',
      seen: `${batch.length} calls of class batch, ${refused.length} refused, ${untold} of them without retry-after`,
      verdict: untold === 0 ? 'kept' : 'broken',
    },
  ]
}

/** Between the chain's time and an answer: the last target has to begin it. */
const beginMs = 1_000

function firstTokenRow({ records, config, model }: DrillFacts): ReportRow {
  const within = config.models[model]?.fallback.within ?? 0
  const times = (phase: Phase) =>
    records
      .filter((one) => one.phase === phase && one.callClass === 'interactive')
      .filter(({ outcome }) => outcome !== 'failed' && outcome !== 'refused')
      .map(({ firstMs }) => firstMs)
      .toSorted((a, b) => a - b)
  const shown = phases.map((phase) => {
    const sorted = times(phase)
    const at = (share: number) => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
    return `${phase} ${at(0.5)} / ${at(0.99)} ms`
  })
  const slowest = Math.max(0, ...phases.flatMap(times))
  return {
    id: 'first-token',
    name: 'time to the first token, median / 99th of a hundred',
    promised: `all tries within ${within / 1_000} s, so a first token ${beginMs / 1_000} s later at most`,
    seen: `${shown.join(', ')}; slowest ${Math.round(slowest)} ms`,
    verdict: slowest <= within + beginMs ? 'kept' : 'broken',
  }
}
