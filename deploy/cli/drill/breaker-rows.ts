import { type DrillFacts, hasTimeToRecover, probeMs, type ReportRow } from './facts.ts'
import type { BreakerMove } from './journal.ts'

/** When breakers opened and closed, and what passed them meanwhile. */
export function breakerRows(facts: DrillFacts): ReportRow[] {
  const moves = facts.journal.breakers.filter(({ provider }) => provider === facts.asked.provider)
  const others = facts.journal.breakers.filter(({ provider }) => provider !== facts.asked.provider)
  return [
    openedRow(facts, moves),
    ...probeRow(facts),
    ...closedRow(facts, moves),
    ...asideRow(facts),
    ...(others.length === 0 ? [] : [othersRow(others)]),
  ]
}

function openedRow({ asked, config, beganMs }: DrillFacts, moves: BreakerMove[]): ReportRow {
  const limits = config.providers[asked.provider]?.breaker
  const opened = moves.filter(({ to, cause }) => to === 'open' && cause !== 'probe-failed')
  const shown = opened.map(({ credential, cause, atMs }) => {
    const seconds = ((atMs - beganMs) / 1_000).toFixed(1)
    return `${credential} after ${seconds} s (${causes[cause] ?? cause})`
  })
  const common = {
    id: 'breaker-opened',
    name: 'breaker opened, by key, from the beginning of the fault',
    seen: shown.join(', ') || 'never',
  }
  if (asked.drill.opensBreaker) {
    const inARow = `after ${limits?.failures} failures in a row`
    const share = `${limits?.errorPercent} % of at least ${limits?.volume} calls`
    return { ...common, promised: `${inARow}, or ${share}`, verdict: 'told' }
  }
  const verdict = opened.length === 0 ? 'kept' : 'broken'
  return { ...common, promised: 'never: nothing here is a failure that it counts', verdict }
}

const causes: Readonly<Record<string, string>> = {
  'in-a-row': 'failures in a row',
  share: 'share of failures',
  'probe-left': 'the probe’s caller left',
}

function probeRow({ spans }: DrillFacts): ReportRow[] {
  if (spans.length === 0) return []
  const beyond = spans.filter(({ calls }) => calls > 1)
  const shown = beyond.map(({ credential, calls }) => `${credential}: ${calls}`).join(', ')
  return [
    {
      id: 'probes',
      name: 'calls that reached the provider while its breaker was open',
      promised: 'one probe between two openings',
      seen: beyond.length === 0 ? `${spans.length} times one probe at most` : shown,
      verdict: beyond.length === 0 ? 'kept' : 'broken',
    },
  ]
}

function closedRow(facts: DrillFacts, moves: BreakerMove[]): ReportRow[] {
  const { asked, config, endedMs, breakers } = facts
  if (moves.length === 0) return []
  const resetMs = config.providers[asked.provider]?.breaker.reset ?? 0
  const states = breakers.map((row): { readonly shown: string; readonly isKept: boolean } => {
    const { credential, model, state, nextProbeMs } = row
    if (state !== 'closed') {
      // No call has asked for this key since.
      const isIdle = state === 'half-open' && nextProbeMs === 0
      const shown = isIdle ? 'lets the next call through, none has come' : `is still ${state}`
      return { shown: `${credential} ${shown}`, isKept: isIdle }
    }
    const of = moves.filter((one) => one.credential === credential && one.model === model)
    const closed = of.findLast(({ to }) => to === 'closed')
    if (closed === undefined) return { shown: `${credential} never opened`, isKept: true }
    const isKept = closed.atMs - endedMs <= resetMs + probeMs
    return { shown: `${credential} ${fromEnd(closed.atMs - endedMs)}`, isKept }
  })
  const isKept = states.length > 0 && states.every((state) => state.isKept)
  const verdict = isKept ? 'kept' : 'broken'
  return [
    {
      id: 'breaker-closed',
      name: 'breaker closed again',
      promised: `with the first good probe: due after ${resetMs / 1_000} s, by the next call that comes for the key`,
      seen: states.map(({ shown }) => shown).join(', ') || 'its ambassador does not answer',
      verdict: hasTimeToRecover(facts) ? verdict : 'told',
    },
  ]
}

function asideRow({ putAside }: DrillFacts): ReportRow[] {
  if (putAside.length === 0) return []
  return [
    {
      id: 'put-aside',
      name: 'keys that are put aside for now',
      promised: '',
      seen: putAside.join(', '),
      verdict: 'told',
    },
  ]
}

function fromEnd(ms: number): string {
  const seconds = (Math.abs(ms) / 1_000).toFixed(1)
  return ms < 0 ? `${seconds} s before the fault was over` : `${seconds} s after the fault was over`
}

function othersRow(moves: BreakerMove[]): ReportRow {
  const shown = moves.map(({ provider, credential, to }) => `${provider} ${credential}: ${to}`)
  return {
    id: 'breaker-others',
    name: 'breakers of other providers',
    promised: 'stay closed: nothing is wrong there',
    seen: shown.join(', '),
    verdict: 'broken',
  }
}
