import type { Phase } from './call.ts'
import type { FaultTrace } from './drills.ts'
import type { DrillFacts, ReportRow } from './facts.ts'

/** Whether the fault was there at all: a drill in which nothing was wrong proves nothing. */
export function traceRow(facts: DrillFacts): ReportRow {
  const { promised, of } = traces[facts.asked.drill.trace]
  const { has, seen } = of(facts)
  return {
    id: 'trace',
    name: 'the fault itself',
    promised,
    seen: has ? seen : `nothing of it: ${seen}`,
    verdict: has ? 'kept' : 'broken',
  }
}

interface Trace {
  readonly promised: string
  readonly of: (facts: DrillFacts) => { readonly has: boolean; readonly seen: string }
}

/** Of 0.8 s that `slow` adds; a call that is handed on has waited less. */
const slowerMs = 400

const traces: Readonly<Record<FaultTrace, Trace>> = {
  deaths: {
    promised: 'processes die',
    of({ journal }) {
      const deaths = journal.events.filter((event) => / ended \(/.test(event))
      return { has: deaths.length > 0, seen: deaths.join('; ') || 'nothing died' }
    },
  },
  'limit-met': {
    promised: 'calls meet the limit: the provider refuses some, they wait for it, or are handed on',
    of(facts) {
      const { asked, count, countBefore, mostWaiting } = facts
      const { passed } = spared(facts)
      const refused = (count?.rateLimited ?? 0) - (countBefore?.rateLimited ?? 0)
      const waited = mostWaiting.get(asked.provider) ?? 0
      const seen = `${refused} calls refused with 429, ${waited} waited at once, ${passed} handed on`
      return { has: refused + waited + passed > 0, seen }
    },
  },
  'tenant-limit-met': {
    promised: 'more calls come than the tenant may make',
    of({ records }) {
      const refused = records.filter(({ outcome }) => outcome === 'refused').length
      return { has: refused > 0, seen: `${refused} calls over the tenant’s limit` }
    },
  },
  'key-refused': {
    promised: 'the provider refuses a key',
    of: ({ unauthorized }) => ({ has: unauthorized > 0, seen: `refused ${unauthorized} times` }),
  },
  'handed-on': {
    promised: 'calls are handed on, or tried again',
    of(facts) {
      const { passed, again } = spared(facts)
      return { has: passed + again > 0, seen: `${passed} calls handed on, ${again} tried again` }
    },
  },
  'broken-off': {
    promised: 'the provider breaks answers off',
    of({ count, countBefore }) {
      const broken = (count?.brokenOff ?? 0) - (countBefore?.brokenOff ?? 0)
      return { has: broken > 0, seen: `${broken} answers broken off` }
    },
  },
  slower: {
    promised: 'first tokens come later, or calls are handed on',
    of(facts) {
      const { passed } = spared(facts)
      const later = Math.round(medianMs(facts, 'during') - medianMs(facts, 'before'))
      const seen = `the median ${later} ms later, ${passed} calls handed on`
      return { has: later >= slowerMs || passed > 0, seen }
    },
  },
}

/** What targets behind the provider, and further tries, have spared the application. */
function spared({ asked, records, journal }: DrillFacts): { passed: number; again: number } {
  const met = records.filter(({ phase }) => phase === 'during')
  const passed = met.filter(({ passedOver }) => passedOver.includes(`${asked.provider}/`))
  const again = met.filter(
    ({ id }) => (journal.ledger.get(id)?.attemptsByProvider.get(asked.provider) ?? 0) > 1,
  )
  return { passed: passed.length, again: again.length }
}

function medianMs({ records }: DrillFacts, phase: Phase): number {
  const times = records
    .filter((one) => one.phase === phase && one.outcome === 'answered')
    .map(({ firstMs }) => firstMs)
    .toSorted((a, b) => a - b)
  return times[Math.floor(times.length / 2)] ?? 0
}
