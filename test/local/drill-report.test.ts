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
    records: [answered],
    skipped: 0,
    journal: new Journal(() => {}),
    spans: [],
    opened: [],
    breakers: [],
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
  const opened = { child: 'openai', msg: 'breaker', credential: 'first', model: 'gpt-5' }
  const moved = { ...opened, to: 'open', cause: 'share', time: 500 }
  const stuck = { credential: 'first', model: 'gpt-5', state: 'half-open', nextProbeMs: 2_000 }
  const cases: Record<string, DrillFacts> = {
    failed: facts({ records: [answered, { ...answered, outcome: 'failed', code: 'x' }] }),
    cut: facts({ records: [answered, { ...answered, outcome: 'cut-silently' }] }, 'cut'),
    'first-token': facts({ records: [{ ...answered, firstMs: 7_500 }] }),
    recovery: facts({ records: [{ ...answered, provider: 'azure' }] }),
    attempts: facts({ journal: journalOf(ledger, { ...ledger, child: 'azure' }) }),
    count: facts({ count: { calls: 3, rateLimited: 0, brokenOff: 0 } }),
    probes: facts({ spans: [{ credential: 'first', model: 'gpt-5', calls: 2 }] }),
    'breaker-closed': facts({ journal: journalOf(moved), breakers: [stuck] }),
    'breaker-others': facts({ journal: journalOf({ ...moved, child: 'azure' }) }),
  }
  for (const [id, given] of Object.entries(cases)) assert.deepEqual(brokenIn(given), [id])
  const slow = facts({ journal: journalOf(moved) }, 'slow')
  assert.ok(brokenIn(slow).includes('breaker-opened'))
  assert.match(shownReport(reportOf(slow)), /BROKEN .*\n.*\n.*\n[^]*A promise was broken/)
})

it('a key that waits for its next call is not stuck', () => {
  const opened = { child: 'openai', msg: 'breaker', credential: 'first', model: 'gpt-5' }
  const idle = { credential: 'first', model: 'gpt-5', state: 'half-open', nextProbeMs: 0 }
  const journal = journalOf({ ...opened, to: 'open', cause: 'share', time: 500 })
  assert.deepEqual(brokenIn(facts({ journal, breakers: [idle] })), [])
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
