import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { readDrillArguments } from '#deploy/cli/drill/arguments.ts'
import type { CallRecord } from '#deploy/cli/drill/call.ts'
import { demoConfig } from '#deploy/cli/drill/drill-system.ts'
import { drills } from '#deploy/cli/drill/drills.ts'
import type { DrillFacts } from '#deploy/cli/drill/facts.ts'
import { Journal } from '#deploy/cli/drill/journal.ts'
import { reportOf, shownReport } from '#deploy/cli/drill/report.ts'
import { parseConfig } from '#shared/config/load.ts'

const loaded = parseConfig(readFileSync(demoConfig, 'utf8'), demoConfig)
assert.ok(loaded.ok)
const { config } = loaded

const answered: CallRecord = {
  phase: 'after',
  callClass: 'interactive',
  id: 'a',
  status: 200,
  provider: 'openai',
  passedOver: '',
  outcome: 'answered',
  code: '',
  firstMs: 100,
  hasRetryAfter: false,
}

/** What shows that calls met the fault. */
const handedOn: CallRecord = {
  ...answered,
  phase: 'during',
  provider: 'azure',
  passedOver: 'openai/gpt-5=unavailable',
}

const breaker = { child: 'openai', msg: 'breaker', credential: 'first', model: 'gpt-5' }
const opened = { ...breaker, to: 'open', cause: 'share', time: 500 }
const closed = { ...breaker, to: 'closed', cause: 'recovered', time: 9_000 }
const closedRow = { credential: 'first', model: 'gpt-5', state: 'closed', nextProbeMs: 0 }

function facts(change: Partial<DrillFacts> = {}, name = 'fail'): DrillFacts {
  const asked = readDrillArguments([name])
  assert.ok(asked)
  return {
    asked,
    config,
    model: 'assistant',
    beganMs: 0,
    endedMs: 8_000,
    beforeMs: 4_000,
    afterMs: 10_000,
    records: [handedOn, answered],
    skipped: 0,
    journal: journalOf(opened, closed),
    spans: [],
    opened: [],
    breakers: [closedRow],
    putAside: [],
    count: undefined,
    countBefore: undefined,
    unauthorized: 0,
    mostWaiting: new Map(),
    ...change,
  }
}

function brokenIn(given: DrillFacts): string[] {
  return reportOf(given).rows.flatMap(({ id, verdict }) => (verdict === 'broken' ? id : []))
}

function journalOf(...lines: object[]): Journal {
  const journal = new Journal(() => {})
  for (const line of lines) journal.take(JSON.stringify(line))
  return journal
}

it('a report without a broken promise says so', () => {
  assert.deepEqual(brokenIn(facts()), [])
  assert.match(shownReport(reportOf(facts())), /Every promise was kept/)
})

it('each broken promise is named', () => {
  const ledger = { child: 'openai', half: 'ambassador', msg: 'call', call: 'a', attempts: 4 }
  const retried = Array.from({ length: 30 }, (_, at) => ({ ...ledger, call: `r${at}` }))
  const stuck = { ...closedRow, state: 'half-open', nextProbeMs: 2_000 }
  const inARow = { ...opened, cause: 'in-a-row' }
  const met = [handedOn, answered]
  const cases: Record<string, DrillFacts> = {
    trace: facts({ records: [answered] }),
    failed: facts({ records: [...met, { ...answered, outcome: 'failed', code: 'x' }] }),
    'first-token': facts({ records: [handedOn, { ...answered, firstMs: 7_500 }] }),
    recovery: facts({ records: [handedOn, { ...answered, provider: 'azure' }] }),
    attempts: facts({
      journal: journalOf(opened, closed, ledger, { ...ledger, child: 'azure' }),
    }),
    retries: facts({ journal: journalOf(opened, closed, ...retried) }),
    count: facts({ count: { calls: 3, rateLimited: 0, brokenOff: 0 } }),
    probes: facts({ spans: [{ credential: 'first', model: 'gpt-5', calls: 2 }] }),
    'breaker-opened': facts({ journal: new Journal(() => {}) }),
    'breaker-closed': facts({ journal: journalOf(opened), breakers: [stuck] }),
    'breaker-others': facts({ journal: journalOf(opened, closed, { ...opened, child: 'azure' }) }),
  }
  for (const [id, given] of Object.entries(cases)) assert.deepEqual(brokenIn(given), [id])
  const silent = { ...answered, outcome: 'cut-silently' } as const
  const count = { calls: 0, rateLimited: 0, brokenOff: 3 }
  const countBefore = { ...count, brokenOff: 0 }
  assert.deepEqual(brokenIn(facts({ records: [...met, silent], count, countBefore }, 'cut')), [
    'cut',
  ])
  const late = journalOf({ ...opened, time: 7_500 }, closed)
  assert.deepEqual(brokenIn(facts({ journal: late })), ['breaker-opened'])
  const early = [{ credential: 'first', model: 'gpt-5', calls: 2 }]
  const hasty = facts({ journal: journalOf(inARow, closed), opened: early })
  assert.deepEqual(brokenIn(hasty), ['breaker-opened'])
  const slow = facts({}, 'slow')
  assert.ok(brokenIn(slow).includes('breaker-opened'))
  assert.match(shownReport(reportOf(slow)), /BROKEN .*\n.*\n.*\n[^]*A promise was broken/)
})

it('a fault that did not bite fails its drill', () => {
  const nothing = { records: [answered], journal: new Journal(() => {}), breakers: [] }
  const counted = { calls: 0, rateLimited: 0, brokenOff: 0 }
  for (const name of Object.keys(drills)) {
    const given = facts({ ...nothing, count: counted, countBefore: counted }, name)
    assert.ok(brokenIn(given).includes('trace'), name)
  }
})

it('what is printed as promised is judged, however short the run', () => {
  const [none, all] = [[], ['first', 'second']]
  const runs = [
    { afterMs: 100 },
    { afterMs: 10_000, putAside: none },
    { records: [handedOn], putAside: all },
  ]
  for (const name of Object.keys(drills)) {
    const rows = runs.flatMap((run) => reportOf(facts(run, name)).rows)
    const wrong = rows.filter(({ promised, verdict }) => (promised === '') !== (verdict === 'told'))
    assert.deepEqual(wrong, [], name)
  }
})

it('a refused key that is asked again and again is not put aside', () => {
  const journal = new Journal(() => {})
  const dead = { journal, breakers: [], putAside: ['first'] }
  assert.deepEqual(brokenIn(facts({ ...dead, unauthorized: 2 }, 'dead-key')), [])
  assert.deepEqual(brokenIn(facts({ ...dead, unauthorized: 9 }, 'dead-key')), ['put-aside'])
})

it('a key that waits for its next call is not stuck', () => {
  const idle = { ...closedRow, state: 'half-open' }
  assert.deepEqual(brokenIn(facts({ journal: journalOf(opened), breakers: [idle] })), [])
})

it('arguments that make no sense are refused, and no name asks for the list', () => {
  assert.equal(readDrillArguments([]), undefined)
  const names = Object.keys(drills)
  for (const name of names) assert.equal(readDrillArguments([name])?.name, name)
  assert.throws(() => readDrillArguments(['toString']), /no drill is called so/)
  assert.throws(() => readDrillArguments(['fail', '--rate', '0']), /--rate/)
  assert.throws(() => readDrillArguments(['fail', '--seconds', '9999']), /--seconds/)
  assert.throws(() => readDrillArguments(['fail', '--provider', 'x']), /no provider is called so/)
})
