import type { CallRecord } from './call.ts'
import type { DrillFacts, ReportRow } from './facts.ts'
import { tally } from './load-rows.ts'

/** What the application was spared, and what that took. */
export function callRows(facts: DrillFacts): ReportRow[] {
  return [
    failedRow(facts),
    ...cutRow(facts),
    fallbackRow(facts),
    attemptsRow(facts),
    retriesRow(facts),
    ...countRows(facts),
    waitsRow(facts),
  ]
}

const shownMax = 5

function failedRow({ records, config, model, asked }: DrillFacts): ReportRow {
  const failed = records.filter(({ outcome }) => outcome === 'failed')
  const on = config.models[model]?.fallback.on.join(', ') ?? ''
  return {
    id: 'failed',
    name: 'calls that failed although another target could have answered',
    promised: `none: only ${asked.provider} is at fault, and fallback.on has ${on}`,
    seen: failed.length === 0 ? 'none' : `${failed.length}: ${examples(failed)}`,
    verdict: failed.length === 0 ? 'kept' : 'broken',
  }
}

/** Codes, and some ids to look for in the logs. */
function examples(records: readonly CallRecord[]): string {
  const ids = records.slice(0, shownMax).map(({ id, phase }) => `${id || 'no id'} (${phase})`)
  return `${tally(records.map(({ status, code }) => `${status} ${code}`))}; ${ids.join(', ')}`
}

/** Behind the first content nothing can be tried again. */
function cutRow({ records, asked }: DrillFacts): ReportRow[] {
  const silent = records.filter(({ outcome }) => outcome === 'cut-silently')
  const cut = records.filter(({ outcome }) => outcome === 'cut')
  if (cut.length + silent.length === 0 && !asked.drill.cutsStreams) return []
  const mayCut = asked.drill.cutsStreams ? '' : 'none here, and '
  const isKept = silent.length === 0 && (asked.drill.cutsStreams || cut.length === 0)
  return [
    {
      id: 'cut',
      name: 'answers broken off after their first token',
      promised: `${mayCut}each with an error event or a reset: a cut never looks like an end`,
      seen: `${cut.length} were told so, ${silent.length} looked like an end`,
      verdict: isKept ? 'kept' : 'broken',
    },
  ]
}

function fallbackRow({ records }: DrillFacts): ReportRow {
  const passed = records.flatMap(({ passedOver }) =>
    passedOver === '' ? [] : passedOver.split(', '),
  )
  return {
    id: 'fallbacks',
    name: 'fallbacks',
    promised: '',
    seen: passed.length === 0 ? 'none' : tally(passed),
    verdict: 'told',
  }
}

function attemptsRow({ journal, config }: DrillFacts): ReportRow {
  const ceiling = config.sidecar.attemptsMax
  const attempts = [...journal.ledger.values()].map(({ attemptsByProvider }) =>
    [...attemptsByProvider.values()].reduce((sum, made) => sum + made, 0),
  )
  const most = Math.max(0, ...attempts)
  const all = attempts.reduce((sum, made) => sum + made, 0)
  const mean = attempts.length === 0 ? 0 : all / attempts.length
  return {
    id: 'attempts',
    name: 'attempts of one call, over all targets',
    promised: `at most ${ceiling} (sidecar.attemptsMax)`,
    seen: `${most} at most, ${mean.toFixed(2)} on average`,
    verdict: most <= ceiling ? 'kept' : 'broken',
  }
}

/** A budget counts the calls and the seconds of its last ten seconds. */
const budgetSeconds = 10

function retriesRow(facts: DrillFacts): ReportRow {
  const { journal, config, asked, unauthorized } = facts
  const made = [...journal.ledger.values()].flatMap(
    ({ attemptsByProvider }) => attemptsByProvider.get(asked.provider) ?? [],
  )
  const retries = made.reduce((sum, attempts) => sum + Math.max(0, attempts - 1), 0)
  const { budgetPercent = 0, budgetFloor = 0 } = config.providers[asked.provider]?.retry ?? {}
  const seconds = (facts.beforeMs + facts.endedMs - facts.beganMs + facts.afterMs) / 1_000
  // Another process begins with a budget of its own.
  const budgets = asked.drill.losesCounts ? 2 : 1
  const ofTime = budgetFloor * (seconds + budgets * budgetSeconds)
  const most = Math.floor((budgetPercent * made.length) / 100 + ofTime)
  return {
    id: 'retries',
    name: `calls that asked ${asked.provider} again`,
    promised: `at most ${most}: a budget of ${budgetPercent} % of its calls and ${budgetFloor} a second; another key instead of a refused one is none`,
    seen: `${retries} further attempts by ${made.length} calls`,
    verdict: retries <= most + unauthorized ? 'kept' : 'broken',
  }
}

/** The provider's own count is the truth that the ledger is held to. */
function countRows({ journal, count, asked, unauthorized }: DrillFacts): ReportRow[] {
  if (count === undefined || asked.drill.losesCounts) return []
  const attempts = journal.attemptsAt(asked.provider)
  const keys = unauthorized === 0 ? '' : `, ${unauthorized} with a refused key`
  // A refused key is also met by whoever asks whether the provider is there, which is no attempt.
  const isKept = attempts <= count.calls && attempts >= count.calls - unauthorized
  return [
    {
      id: 'count',
      name: `requests that ${asked.provider} itself has counted, the first four to warm up included`,
      promised: 'each stands in the ledger as an attempt',
      seen: `${count.calls}, of which ${count.rateLimited} answered 429, ${count.brokenOff} broken off${keys}; ${attempts} in the ledger`,
      verdict: isKept ? 'kept' : 'broken',
    },
  ]
}

function waitsRow({ mostWaiting }: DrillFacts): ReportRow {
  const waited = [...mostWaiting].filter(([, calls]) => calls > 0)
  const shown = waited.map(([provider, calls]) => `${calls} at ${provider}`).join(', ')
  return {
    id: 'waits',
    name: 'calls that waited for room at once',
    promised: '',
    seen: shown === '' ? 'none' : shown,
    verdict: 'told',
  }
}
