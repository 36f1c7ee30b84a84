import type { BreakerLimits } from '#shared/config/resilience-schema.ts'
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

function openedRow(facts: DrillFacts, moves: BreakerMove[]): ReportRow {
  const { asked, beganMs } = facts
  const { drill, provider } = asked
  const limits = facts.config.providers[provider]?.breaker
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
  if (!drill.opensBreaker || limits === undefined) {
    const verdict = opened.length === 0 ? 'kept' : 'broken'
    return { ...common, promised: 'never: nothing here is a failure that it counts', verdict }
  }
  const [first] = opened
  const dueMs = openDueMs(facts, limits)
  // What dies may be back before it has failed often enough, and a short fault is over before.
  if (first === undefined && (drill.losesCounts || dueMs > asked.seconds * 1_000)) {
    const soon = `${(dueMs / 1_000).toFixed(1)} s of it are needed`
    return { ...common, promised: '', seen: `never; ${soon}`, verdict: 'told' }
  }
  const hasWaited = facts.opened.every(({ credential, model, calls }) => {
    const of = opened.find((move) => move.credential === credential && move.model === model)
    return of?.cause !== 'in-a-row' || calls >= limits.failures
  })
  const isInTime = first !== undefined && first.atMs - beganMs <= dueMs
  const inARow = `after ${limits.failures} failures in a row`
  const share = `${limits.errorPercent} % of at least ${limits.volume} calls`
  return {
    ...common,
    promised: `${inARow}, or ${share}: the first within ${(dueMs / 1_000).toFixed(1)} s`,
    verdict: isInTime && hasWaited ? 'kept' : 'broken',
  }
}

/** Until a failing call has failed, beyond what the breaker itself calls slow. */
const failMs = 500

/**
 * When the first breaker has to be open, from the beginning of the fault: calls are spread over the
 * keys. Content ends a row, so that answers which break off behind it count by their share alone: as
 * many have to fail as went well within the window before (half of all, in the demo configuration).
 */
function openDueMs({ asked, config, beforeMs }: DrillFacts, limits: BreakerLimits): number {
  const keys = config.providers[asked.provider]?.credentials.length ?? 1
  const everyMs = (1_000 * keys) / asked.rate
  const shownMs = limits.slow + failMs
  if (!asked.drill.cutsStreams || asked.drill.losesCounts) {
    return limits.failures * everyMs + shownMs
  }
  const before = Math.min(limits.window, beforeMs) + warmUps * (1_000 / asked.rate)
  const ratio = limits.errorPercent / (100 - Math.min(99, limits.errorPercent))
  return Math.max(before * ratio, limits.volume * everyMs) + shownMs
}

/** Calls before the load. */
const warmUps = 4

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
  const seen = states.map(({ shown }) => shown).join(', ') || 'its ambassador does not answer'
  const common = { id: 'breaker-closed', name: 'breaker closed again', seen }
  if (!hasTimeToRecover(facts)) return [{ ...common, promised: '', verdict: 'told' }]
  return [
    {
      ...common,
      promised: `with the first good probe: due after ${resetMs / 1_000} s, by the next call that comes for the key`,
      verdict: isKept ? 'kept' : 'broken',
    },
  ]
}

/** How long an ambassador does not ask for a key that was refused, and how often it is there at all. */
const asideMs = 30_000

function asideRow({ asked, putAside, unauthorized, ...facts }: DrillFacts): ReportRow[] {
  if (asked.drill.trace !== 'key-refused') {
    if (putAside.length === 0) return []
    const seen = putAside.join(', ')
    const name = 'keys that are put aside for now'
    return [{ id: 'put-aside', name, promised: '', seen, verdict: 'told' }]
  }
  const lastedMs = facts.endedMs - facts.beganMs
  // Once by a call and once by whoever asks for the provider's health, each time anew after a while;
  // and by calls that were under way when the first refusal came.
  const turns = 1 + Math.floor(lastedMs / asideMs)
  const most = 2 * turns + Math.ceil(asked.rate * underWaySeconds)
  return [
    {
      id: 'put-aside',
      name: 'a refused key is put aside',
      promised: `for ${asideMs / 1_000} s: it is refused ${most} times at most`,
      seen: `refused ${unauthorized} times; put aside in the end: ${putAside.join(', ') || 'none'}`,
      verdict: unauthorized <= most ? 'kept' : 'broken',
    },
  ]
}

/** A refusal of a key comes at once. */
const underWaySeconds = 0.1

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
