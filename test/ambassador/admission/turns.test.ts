import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { manualClock } from '../../manual-clock.ts'
import {
  callers,
  callWith,
  dead,
  exhausted,
  forbidden,
  ok,
  snapshotOf,
  stateOf,
  turnOf,
  turnsOf,
  valueless,
  waitingTurn,
} from './stage.ts'

const keys = { K1: 'key-one', K2: 'key-two' }
const base = { kind: 'openai-compatible', baseUrl: 'http://p/v1' }
const one = { name: 'one', secret: 'K1' }
const two = { name: 'two', secret: 'K2' }

function stageOf(provider: object, values: Readonly<Record<string, string>> = keys) {
  const clock = manualClock()
  const turns = turnsOf(clock)
  const snapshot = snapshotOf({ ...base, ...provider }, values)
  turns.configure(snapshot, 'p')
  return { clock, turns, snapshot, call: (other = {}) => callWith(clock, snapshot, other) }
}

test('a question of the whole limit that is answered 400 leaves room for the next tenant', () => {
  const limits = { tokens: 200_000 }
  const { turns, call } = stageOf({ kind: 'openai', credentials: [one], limits })
  assert.throws(() => turns.next(call({ outputMax: 1_000_000_000 }), new Set()), CallError)
  const turn = turnOf(turns, call({ tenant: 'a', inputEstimate: 390_000 }))
  turn.observe({ status: 400, headers: [], body: undefined })
  turn.end(callers)
  turnOf(turns, call({ tenant: 'b', outputMax: 100_000 })).end(ok)
})

test('a call without an answer keeps its reservation, and no more than the bucket holds', () => {
  const limits = { tokens: 200_000 }
  const { turns, call } = stageOf({ kind: 'openai', credentials: [one], limits })
  turnOf(turns, call({ inputEstimate: 390_000 })).end({ ...ok, kind: 'left', reason: 'left' })
  const tokens = turns.dimensions.find(({ dimension }) => dimension === 'tokens')
  assert.equal(tokens?.used, 200_000)
})

test('a call is given no credential that its own configuration lacks', () => {
  const { turns, call } = stageOf({ credentials: [one] })
  const early = call()
  const renamed = snapshotOf({ ...base, credentials: [{ ...one, name: 'renamed' }] }, keys)
  turns.configure(renamed, 'p')
  // It holds the old name's secret, and goes by it.
  assert.equal(turnOf(turns, early).credential, 'one')
  assert.equal(turnOf(turns, call({ snapshot: renamed })).credential, 'renamed')
})

test('a call that waits while its credential is renamed is given its own in the end', async () => {
  const { turns, call } = stageOf({ credentials: [one], limits: { concurrency: 1 } })
  const first = turnOf(turns, call())
  const waiting = waitingTurn(turns, call())
  const limits = { concurrency: 1 }
  const renamed = { ...base, limits, credentials: [{ ...one, name: 'renamed' }] }
  turns.configure(snapshotOf(renamed, keys), 'p')
  assert.equal(await stateOf(waiting), 'waiting')
  first.end(ok)
  assert.equal(await stateOf(waiting), 'one')
})

test('what a call’s own configuration has no value for is not put aside for others', () => {
  const { turns, call } = stageOf({ credentials: [one] })
  const turn = turnOf(turns, call())
  turn.end(valueless)
  assert.equal(turnOf(turns, call()).credential, 'one')
})

test('a changed secret starts fresh, and a death under the old one says nothing of it', () => {
  const { turns, call } = stageOf({ credentials: [one] })
  const empty = turnOf(turns, call())
  const late = turnOf(turns, call())
  const body = '{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}'
  empty.observe({ status: 429, headers: [], body })
  empty.end(exhausted)
  assert.equal(turns.next(call(), new Set()), undefined)
  const changed = snapshotOf({ ...base, credentials: [one] }, { K1: 'another key' })
  turns.configure(changed, 'p')
  late.end(dead)
  assert.equal(turnOf(turns, call({ snapshot: changed })).credential, 'one')
  assert.equal(turns.next(call(), new Set()), undefined, 'the old secret stays out')
})

test('another place is another account, and the same file again is the same', () => {
  const { turns, call } = stageOf({ credentials: [one] })
  turnOf(turns, call()).end(dead)
  const same = snapshotOf({ ...base, credentials: [one] }, keys)
  turns.configure(same, 'p')
  assert.equal(turns.next(call({ snapshot: same }), new Set()), undefined)
  const moved = snapshotOf({ ...base, baseUrl: 'http://q/v1', credentials: [one] }, keys)
  turns.configure(moved, 'p')
  assert.equal(turnOf(turns, call({ snapshot: moved })).credential, 'one')
})

test('a credential that has no right to a model is put aside for that model alone', () => {
  const { clock, turns, call } = stageOf({ credentials: [one] })
  turnOf(turns, call()).end(forbidden)
  assert.equal(turns.next(call(), new Set()), undefined)
  assert.equal(turnOf(turns, call({ model: 'other' })).credential, 'one')
  clock.advance(30_000)
  assert.equal(turnOf(turns, call()).credential, 'one')
})

test('a call that waits is not given a credential that died meanwhile', async () => {
  const { turns, call } = stageOf({ credentials: [one, two], limits: { concurrency: 1 } })
  const first = turnOf(turns, call())
  const second = turnOf(turns, call())
  const waiting = waitingTurn(turns, call())
  first.end(dead)
  assert.equal(await stateOf(waiting), 'waiting')
  second.end(ok)
  assert.equal(await stateOf(waiting), second.credential)
})

test('calls that wait for the only credential do not wait on once it is dead', async () => {
  const { clock, turns, call } = stageOf({ credentials: [one], limits: { concurrency: 1 } })
  const first = turnOf(turns, call())
  const waiting = waitingTurn(turns, call())
  first.end(dead)
  assert.equal(await stateOf(waiting), 'none')
  assert.equal(clock.pending(), 0)
})

test('a question that takes no turn is asked with no credential that is put aside', () => {
  const { turns, call } = stageOf({ credentials: [{ ...one, weight: 100 }, two] })
  turnOf(turns, call()).end(ok)
  for (let at = 0; at < 20; at++) {
    const turn = turns.next(call(), new Set(['two']))
    if (turn === undefined || turn instanceof Promise) break
    turn.end(dead)
  }
  for (let at = 0; at < 20; at++) assert.equal(turns.pickFor(call()), 'two')
  turnOf(turns, call()).end(dead)
  assert.equal(turns.pickFor(call()), undefined)
  const open = stageOf({})
  assert.equal(open.turns.pickFor(open.call()), '', 'a provider that asks for none')
})

test('those who wait are asked again where another kind of limits holds from then on', async () => {
  const { turns, call } = stageOf({ credentials: [one], limits: { concurrency: 1 } })
  const first = turnOf(turns, call())
  const waiting = waitingTurn(turns, call())
  turns.configure(
    snapshotOf({ kind: 'openai', baseUrl: base.baseUrl, credentials: [one] }, keys),
    'p',
  )
  assert.equal(await stateOf(waiting), 'one')
  first.end(ok)
})

test('a limit whose number changes keeps what runs, what is used and a refusal’s time', async () => {
  const limits = { tokens: 100_000, concurrency: 2 }
  const { clock, turns, snapshot, call } = stageOf({ credentials: [one], limits })
  turnOf(turns, call({ inputEstimate: 60_000 }))
  const refused = turnOf(turns, call())
  const headers = ['retry-after', '20']
  refused.observe({ status: 429, headers, body: '{"error":{"message":"tokens per minute (TPM)"}}' })
  refused.end({ ...callers, kind: 'throttled', dimension: 'tokens' })
  const raised = { ...base, credentials: [one], limits: { tokens: 200_000, concurrency: 4 } }
  turns.configure(snapshotOf(raised, keys), 'p')
  const of = (name: string) => turns.dimensions.find(({ dimension }) => dimension === name)
  assert.ok((of('tokens')?.used ?? 0) >= 60_000)
  assert.equal(of('concurrency')?.used, 1)
  assert.equal(of('concurrency')?.limit, 4)
  const waiting = waitingTurn(turns, call({ snapshot }))
  clock.advance(19_000)
  assert.equal(await stateOf(waiting), 'waiting')
})

test('a session waits for its credential as long as the cache is worth that it last used', async () => {
  const limits = { tokens: 100_000 }
  const { clock, turns, call } = stageOf({ credentials: [one, two], limits })
  const session = { session: 's', inputEstimate: 20_000 }
  const usage = { input: 20_000, cached: 20_000, cacheWrite: 0, output: 1, reasoning: 0 }
  const first = call(session)
  const home = turnOf(turns, first)
  Object.assign(first, { usage })
  home.end(ok)
  const other = home.credential === 'one' ? 'two' : 'one'
  const rest = turns.next(call({ inputEstimate: 52_500 }), new Set([other]))
  assert.ok(rest !== undefined && !(rest instanceof Promise))
  // Its home has room within the 2 s that 20,000 cached tokens are worth; the other has it at once.
  const waiting = waitingTurn(turns, call(session))
  assert.equal(turnOf(turns, call({ ...session, session: 'unknown' })).credential, other)
  clock.advance(2_000)
  assert.equal(await stateOf(waiting), home.credential)
})

test('calls beyond a provider’s connections wait for one, by address', async () => {
  const there = { ...two, baseUrl: 'http://q/v1' }
  const { turns, call } = stageOf({ credentials: [one, there], connectionsMax: 1 })
  const first = turnOf(turns, call())
  const second = turnOf(turns, call())
  assert.notEqual(first.credential, second.credential)
  const waiting = waitingTurn(turns, call())
  assert.equal(await stateOf(waiting), 'waiting')
  first.end(ok)
  assert.equal(await stateOf(waiting), first.credential)
  second.end(ok)
})

test('each replica of a pool has as many connections', () => {
  const replicas = { addresses: ['http://r:1', 'http://s:1'] }
  const { turns, call } = stageOf({
    kind: 'vllm',
    baseUrl: undefined,
    replicas,
    connectionsMax: 2,
  })
  for (let at = 0; at < 4; at++) turnOf(turns, call())
  assert.ok(turns.next(call(), new Set()) instanceof Promise)
})
