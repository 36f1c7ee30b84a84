import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costOf } from '#ambassador/pool/cost/cost.ts'
import { noUsage } from '#shared/dialects/usage.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { blockTokens, poolCall } from '../pool-call.ts'
import { contextOf, type Deciding, deciding } from './stage.ts'

function from(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + at)
}

function placed(stage: Deciding, id: string, heldMs = 0) {
  const binding = stage.bound.get(id)
  assert.ok(binding, `${id} is not bound`)
  const context = contextOf(stage)
  stage.decisions.placed(binding, { context, heldMs, tier: 'full', blockTokens })
  context.replicasTried.push(binding.member.origin)
  return { binding, context }
}

test('a decision tells of each replica what it would have cost and whether it had room', () => {
  const stage = deciding(2)
  stage.submit(poolCall('first', from(1, 60)))
  stage.submit(poolCall('second', from(1, 62)))
  placed(stage, 'second')
  const [told] = stage.decisions.of('second')
  assert.ok(told)
  const [chosen, other] = told.costs
  assert.ok(chosen?.terms && other?.terms)
  assert.equal(told.replica, chosen.replica)
  assert.equal(told.total, chosen.total)
  assert.equal(chosen.total, costOf(chosen.terms))
  assert.equal(chosen.cachedTokens, 60 * blockTokens)
  assert.equal(chosen.heldBlocks, 60)
  assert.equal(chosen.neededBlocks, 2)
  assert.equal(chosen.capacityBlocks, 100)
  assert.deepEqual([chosen.inFlight, other.inFlight], [1, 0])
  assert.equal(other.terms.ownMs, 62 * blockTokens)
  assert.deepEqual(told.runnerUp, { replica: other.replica, total: other.total })
  assert.equal(told.policy, 'fast')
  assert.equal(told.heldFor, 'none')
  assert.equal(told.candidates, 2)
})

test('the numbers are those of the moment, whatever happens afterwards', () => {
  const stage = deciding(2)
  stage.submit(poolCall('first', from(1, 60)))
  const before = stage.decisions.of('first')
  for (let call = 0; call < 20; call++) stage.submit(poolCall(`${call}`, from(1, 4)))
  assert.deepEqual(stage.decisions.of('first'), before)
})

test('a call that found no room says so, and which replica was full of what', () => {
  const stage = deciding(1)
  stage.submit(poolCall('large', from(1, 90)))
  stage.submit(poolCall('held', from(1_000, 50)))
  assert.deepEqual(stage.decisions.of('held'), [])
  const { entry } = stage.bound.get('large') ?? assert.fail()
  stage.ledger.end(entry)
  stage.late.changed()
  placed(stage, 'held', 700)
  const [told] = stage.decisions.of('held')
  assert.equal(told?.heldFor, 'room')
  assert.equal(told?.heldMs, 700)
  assert.equal(told?.at, stage.clock.wall() - 700)
})

test('a replica that has no room says for want of what', () => {
  const stage = deciding(4)
  for (const [at, { slot }] of stage.members.entries()) {
    const filler = poolCall(`filler ${at}`, from(at * 1_000, at === 0 ? 99 : 10))
    const plainMs = at === 3 ? 1 : 10_000
    stage.ledger.send(filler, slot, { uncachedTokens: at === 2 ? 1_000_000 : 1, plainMs })
  }
  const [, second] = stage.members
  assert.ok(second)
  second.sequencesMax = 1
  stage.submit(poolCall('one', from(9_000, 20)))
  const [told] = stage.decisions.of('one')
  const why = Object.fromEntries(told?.costs.map((one) => [one.replica, one.why]) ?? [])
  assert.deepEqual(why, {
    'http://replica-0': 'kv',
    'http://replica-1': 'sequences',
    'http://replica-2': 'queue',
    'http://replica-3': 'none',
  })
})

test('a policy of others is told with what it knew, and with no cost', () => {
  const stage = deciding(2)
  stage.submit(poolCall('one', from(1, 10)), stage.early)
  stage.submit(poolCall('two', from(1, 12)), stage.early)
  const [told] = stage.decisions.of('two')
  assert.equal(told?.policy, 'round-robin')
  assert.equal(told?.runnerUp, undefined)
  assert.equal(told?.total, undefined)
  const cached = told?.costs.map(({ replica, cachedTokens }) => [replica, cachedTokens])
  assert.deepEqual(cached, [
    ['http://replica-1', 0],
    ['http://replica-0', 10 * blockTokens],
  ])
})

test('what came of a call is added when it ends', () => {
  const stage = deciding(2)
  stage.submit(poolCall('one', from(1, 10)))
  const { binding, context } = placed(stage, 'one')
  const feedback = { cachedTokens: 48, promptTokens: 161, times: undefined }
  stage.decisions.heard(binding.entry.call, feedback)
  assert.equal(stage.decisions.of('one')[0]?.end, undefined)
  context.firstContentMs = 84
  context.usage = { ...noUsage, output: 60 }
  for (const end of context.atEnd) end()
  assert.deepEqual(stage.decisions.of('one')[0]?.end, {
    outcome: 'ok',
    ttftMs: 84,
    outputTokens: 60,
    cachedTokens: 48,
    promptTokens: 161,
  })
})

test('a call that was sent again tells of both places, and failed at neither by name but the last', () => {
  const stage = deciding(2)
  const context = contextOf(stage)
  for (const call of [poolCall('one', from(1, 10)), poolCall('one', from(1, 10))]) {
    stage.submit(call, stage.early)
    const binding = stage.bound.get('one') ?? assert.fail()
    stage.decisions.placed(binding, { context, heldMs: 0, tier: 'full', blockTokens })
    context.replicasTried.push(binding.member.origin)
  }
  context.error = new CallError('client-left', 'Cannot answer: the caller has left')
  for (const end of context.atEnd) end()
  const outcomes = stage.decisions.of('one').map(({ replica, end }) => [replica, end?.outcome])
  assert.deepEqual(outcomes, [
    ['http://replica-0', 'elsewhere'],
    ['http://replica-1', 'client-left'],
  ])
})

test('the last 1,024 decisions are remembered, newest first, and one that is forgotten does no harm', () => {
  const stage = deciding(2, 1_000_000)
  stage.submit(poolCall('first', from(1, 4)))
  const { context } = placed(stage, 'first')
  for (let call = 0; call < 1_024; call++) stage.submit(poolCall(`call ${call}`, from(1, 4)))
  assert.deepEqual(stage.decisions.of('first'), [])
  for (const end of context.atEnd) end()
  const ids = stage.decisions.latest(2).map(({ id }) => id)
  assert.deepEqual(ids, ['call 1023', 'call 1022'])
  assert.equal(stage.decisions.latest(9_999).length, 1_024)
  assert.equal(stage.decisions.of('call 0').length, 1)
})

test('of many replicas the chosen one and the cheapest are told', () => {
  const stage = deciding(100)
  stage.submit(poolCall('one', from(1, 4)))
  const [told] = stage.decisions.of('one')
  assert.equal(told?.candidates, 100)
  assert.equal(told?.costs.length, 64)
  assert.equal(told?.costs[0]?.replica, told?.replica)
})

test('every call leaves one line where somebody listens, and it has no text of the prompt', () => {
  const stage = deciding(2)
  const lines: object[] = []
  stage.decisions.onLine = (line) => lines.push(line)
  stage.submit(poolCall('one', from(1, 300)))
  const { context } = placed(stage, 'one', 12.34)
  stage.clock.advance(250)
  for (const end of context.atEnd) end()
  const [line] = lines
  assert.ok(line !== undefined && lines.length === 1)
  assert.ok(JSON.stringify(line).length < 2_048)
  const { prefix, ...rest } = { prefix: [], ...line }
  assert.equal(prefix.join('').length, Math.floor(300 / 4) * 8)
  assert.deepEqual(rest, {
    call: 'one',
    at: Math.round(stage.clock.wall() - 262.34),
    tenant: 'acme',
    class: 'interactive',
    model: 'm',
    adapter: '',
    promptTokens: 4_800,
    blockTokens,
    step: 4,
    marks: [],
    outputTokens: undefined,
    outputMax: 100,
    policy: 'fast',
    replica: 'http://replica-0',
    replicas: 2,
    kvBlocks: 100,
    heldMs: 12.3,
    heldFor: 'none',
    tier: 'full',
    cachedPredicted: 0,
    cachedReported: undefined,
    promptReported: undefined,
    ttftMs: undefined,
    durationMs: 262.3,
    outcome: 'refused',
  })
})

test('a place that a call is cut at has ended when the call is given another one', () => {
  const stage = deciding(2)
  stage.submit(poolCall('one', from(1, 4)))
  const { context } = placed(stage, 'one')
  const call = poolCall('one', from(1, 4))
  stage.submit(call)
  const binding = stage.bound.get('one') ?? assert.fail()
  stage.decisions.placed(binding, { context, heldMs: 0, tier: 'full', blockTokens })
  context.replicasTried.push(binding.member.origin)
  const outcomes = () => stage.decisions.of('one').map(({ end }) => end?.outcome)
  assert.deepEqual(outcomes(), ['elsewhere', undefined])
  context.firstContentMs = 1
  for (const end of context.atEnd) end()
  assert.deepEqual(outcomes(), ['elsewhere', 'ok'])
})
