import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { BreakerLimits } from '#shared/config/resilience-schema.ts'
import {
  type Admission,
  Breaker,
  type BreakerChange,
  type Refusal,
} from '../../../ambassador/breaker/breaker.ts'
import { bothClocks } from './both-clocks.ts'

const limits: BreakerLimits = {
  failures: 5,
  errorPercent: 50,
  volume: 20,
  window: 10_000,
  reset: 5_000,
  slow: 60_000,
}

function setUp(context: TestContext, changed: Partial<BreakerLimits> = {}) {
  const clocks = bothClocks(context)
  const changes: BreakerChange[] = []
  const breaker = new Breaker(clocks.clock, { ...limits, ...changed }, (change) =>
    changes.push(change),
  )
  return { ...clocks, breaker, changes }
}

function admitted(answer: Admission | Refusal): Admission {
  assert.ok(answer.isAdmitted)
  return answer
}

const pass = (breaker: Breaker) => admitted(breaker.admit(undefined))

function open(breaker: Breaker): void {
  for (let failed = 0; failed < limits.failures; failed++) pass(breaker).fail('status-500')
  assert.equal(breaker.state, 'open')
}

test('failures in a row open it at once, whatever went well before', async (t) => {
  const { breaker, changes, heard } = setUp(t)
  for (let call = 0; call < 1_000; call++) pass(breaker).succeed()
  await heard()
  open(breaker)
  assert.deepEqual(changes, [
    { from: 'closed', to: 'open', reason: { cause: 'in-a-row', last: 'status-500' } },
  ])
})

test('one failure opens nothing, nor do failures between contents', async (t) => {
  const { breaker, heard } = setUp(t, { volume: 1_000 })
  pass(breaker).fail('status-500')
  pass(breaker).commit()
  for (let call = 0; call < 50; call++) {
    for (let failed = 1; failed < limits.failures; failed++) pass(breaker).fail('status-500')
    pass(breaker).commit()
  }
  await heard()
  assert.equal(breaker.state, 'closed')
})

test('streams that always break after their content open it by their share', async (t) => {
  const { breaker, changes, heard } = setUp(t)
  for (let call = 0; call < limits.volume; call++) {
    const admission = pass(breaker)
    admission.commit()
    admission.fail('upstream-reset')
    await heard()
  }
  assert.equal(breaker.state, 'open')
  assert.equal(changes[0]?.reason.cause, 'share')
})

test('the share forgets what has left the window', async (t) => {
  const { breaker, advance } = setUp(t, { failures: 1_000 })
  for (let call = 0; call < limits.volume - 1; call++) pass(breaker).fail('status-500')
  await advance(limits.window + 1_000)
  pass(breaker).fail('status-500')
  await advance(100)
  assert.equal(breaker.state, 'closed')
})

test('open, it lets nothing pass but one probe per reset interval', async (t) => {
  const { breaker, advance } = setUp(t)
  open(breaker)
  let passed = 0
  for (let tick = 0; tick < 600; tick++) {
    const answer = breaker.admit(undefined)
    if (answer.isAdmitted) {
      passed++
      answer.fail('status-500')
    }
    await advance(100)
  }
  // The last ones of a minute; a probe that fails is followed by another whole interval.
  assert.ok(passed >= 10 && passed <= 12, String(passed))
})

test('it closes one reset interval and one probe after the recovery, while long streams run', async (t) => {
  const { breaker, advance, heard, changes } = setUp(t)
  const streams = Array.from({ length: 50 }, () => pass(breaker))
  for (const stream of streams) stream.commit()
  await advance(1_000)
  open(breaker)
  await advance(limits.reset - 100)
  assert.equal(breaker.admit(undefined).isAdmitted, false)
  await advance(100)
  const probe = pass(breaker)
  assert.equal(breaker.admit(undefined).isAdmitted, false, 'one probe only')
  // First content: the probe's own stream goes on for a minute.
  probe.commit()
  await heard()
  assert.equal(breaker.state, 'closed')
  assert.deepEqual(
    changes.map(({ to }) => to),
    ['open', 'half-open', 'closed'],
  )
  // What began before the outage, and the rest of the probe's body, say nothing any more.
  for (const stream of streams) stream.fail('upstream-reset')
  probe.fail('upstream-reset')
  await heard()
  assert.equal(breaker.state, 'closed')
})

test('a stream begun before an outage ends it neither open nor half-open', async (t) => {
  const { breaker, advance, heard } = setUp(t)
  const streams = Array.from({ length: 3 }, () => pass(breaker))
  open(breaker)
  streams[0]?.succeed()
  await heard()
  assert.equal(breaker.state, 'open')
  await advance(limits.reset)
  assert.equal(breaker.state, 'half-open')
  streams[1]?.succeed()
  await heard()
  assert.equal(breaker.state, 'half-open')
  pass(breaker).fail('status-500')
  streams[2]?.succeed()
  await heard()
  assert.equal(breaker.state, 'open')
})

test('a probe that fails opens it for another interval', async (t) => {
  const { breaker, advance, heard } = setUp(t)
  open(breaker)
  await advance(limits.reset)
  pass(breaker).fail('status-503')
  await heard()
  assert.equal(breaker.state, 'open')
  assert.deepEqual(breaker.reason, { cause: 'probe-failed', last: 'status-503' })
  assert.equal(breaker.nextProbeMs, limits.reset)
})

test('a probe that the provider answers shows that it is back, though it is no success', async (t) => {
  const { breaker, advance, heard } = setUp(t)
  open(breaker)
  await advance(limits.reset)
  pass(breaker).answer()
  await heard()
  assert.equal(breaker.state, 'closed')
  assert.equal(breaker.reason.cause, 'recovered')
})

test('answers that are no verdict count for nothing while it is closed', async (t) => {
  const { breaker, heard } = setUp(t)
  for (let failed = 1; failed < limits.failures; failed++) pass(breaker).fail('status-500')
  for (let call = 0; call < 100; call++) pass(breaker).answer()
  await heard()
  pass(breaker).fail('status-500')
  assert.equal(breaker.state, 'open')
})

test('a probe whose caller left is followed by another', async (t) => {
  const { breaker, advance, heard } = setUp(t)
  open(breaker)
  await advance(limits.reset)
  pass(breaker).withdraw()
  assert.equal(breaker.state, 'open')
  assert.equal(breaker.reason.cause, 'probe-left')
  await advance(limits.reset)
  pass(breaker).succeed()
  await heard()
  assert.equal(breaker.state, 'closed')
})

test('early leavers neither open nor close it', async (t) => {
  const { breaker, heard } = setUp(t)
  for (let call = 0; call < 1_000; call++) pass(breaker).withdraw()
  for (let failed = 1; failed < limits.failures; failed++) pass(breaker).fail('status-500')
  pass(breaker).withdraw()
  await heard()
  assert.equal(breaker.state, 'closed')
  pass(breaker).fail('status-500')
  assert.equal(breaker.state, 'open')
})

test('a stream without content within the bound counts as failed, and only once', async (t) => {
  const { breaker, advance, clock } = setUp(t)
  const slow = { slowMs: limits.slow, isFlowing: () => false }
  const waiting = Array.from({ length: limits.failures }, () => admitted(breaker.admit(slow)))
  await advance(limits.slow - 100)
  assert.equal(breaker.state, 'closed')
  await advance(100)
  assert.equal(breaker.state, 'open')
  assert.equal(breaker.reason.last, 'slow')
  for (const late of waiting) late.succeed()
  assert.equal(clock.pending(), 0)
})

test('content that nobody reported is seen at the bound', async (t) => {
  const { breaker, advance } = setUp(t, { failures: 1 })
  breaker.admit({ slowMs: limits.slow, isFlowing: () => true })
  await advance(limits.slow)
  assert.equal(breaker.state, 'closed')
})

test('one failure after a recovery does not open it again', async (t) => {
  const { breaker, advance, heard } = setUp(t, { reset: 1_000, volume: 3 })
  open(breaker)
  await advance(1_000)
  pass(breaker).commit()
  await heard()
  pass(breaker).fail('status-500')
  await heard()
  assert.equal(breaker.state, 'closed')
})

test('no timer is left of any verdict, nor of a breaker that was shut down', async (t) => {
  const { breaker, clock, advance, changes } = setUp(t)
  const slow = { slowMs: limits.slow, isFlowing: () => false }
  admitted(breaker.admit(slow)).fail('status-500')
  const verdicts = ['withdraw', 'answer', 'commit', 'succeed'] as const
  for (const verdict of verdicts) admitted(breaker.admit(slow))[verdict]()
  assert.equal(clock.pending(), 0)
  open(breaker)
  breaker.shutdown()
  const count = changes.length
  await advance(limits.reset * 2)
  assert.equal(changes.length, count)
})
