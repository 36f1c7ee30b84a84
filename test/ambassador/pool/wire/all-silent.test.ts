import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWire, type Wire } from './stage.ts'

function all(wire: Wire, condition: string): void {
  for (const replica of wire.replicas) assert.ok(replica.enter(condition))
}

const callsOf = (wire: Wire) => wire.replicas.map((replica) => replica.calls().length)

test('where all replicas are silent a call has tried each, stays at one, and is whole when that goes on', async (t) => {
  const wire = await startWire(t)
  all(wire, 'stuck')
  // Its head comes at last, with comments, so that nobody on the way gives it up.
  const stream = await wire.ask('hello')
  assert.equal(stream.response.statusCode, 200)
  assert.match(stream.text, /^(: keep-alive\n\n)+$/)
  assert.ok(
    callsOf(wire).every((count) => count >= 1 && count <= 3),
    callsOf(wire).join(),
  )
  all(wire, 'well')
  await wire.passUntil(() => stream.isOver)
  assert.match(stream.text, /"length".*\[DONE\]/s)
  const next = await wire.ask('again')
  await wire.passUntil(() => next.isOver)
  assert.match(next.text, /\[DONE\]/)
  await wire.pass(1)
  const { one } = wire.servedBy(next)
  assert.equal(await wire.leftOut(one), undefined)
})

test('where all replicas are silent for good a call ends with its limit, told in its dialect', async (t) => {
  const wire = await startWire(t, { pool: { timeouts: { firstContent: '40s' } } })
  all(wire, 'stuck')
  const fromMs = wire.clock.now()
  const stream = await wire.ask('hello', { max_tokens: 5 })
  await wire.passUntil(() => stream.isOver)
  const seconds = (wire.clock.now() - fromMs) / 1_000
  assert.match(stream.text, /"code":"(first-content-timeout|no-healthy-replica)"/)
  assert.doesNotMatch(stream.text, /\[DONE\]|"content"/)
  const calls = callsOf(wire)
  assert.ok(
    calls.every((count) => count >= 1 && count <= 5),
    `${calls.join()} in ${seconds} s`,
  )
  await wire.pass(1)
  assert.deepEqual(
    (await wire.status()).map(({ inFlight }) => inFlight),
    [0, 0],
  )
})

test('a stream in the middle stays at its replica while the others are silent too, until its limit', async (t) => {
  const wire = await startWire(t, { pool: { timeouts: { idle: '45s' } } })
  const stream = await wire.ask('hello')
  all(wire, 'stuck')
  const seconds = await wire.passUntil(() => stream.isOver)
  assert.ok(seconds >= 45 && seconds <= 46, `${seconds} s`)
  assert.match(stream.text, /"code":"idle-timeout"/)
  assert.deepEqual(new Set(callsOf(wire)), new Set([0, 1]))
})

test('where all replicas say that they sleep a call is refused at once, and served when one is awake', async (t) => {
  const wire = await startWire(t)
  all(wire, 'asleep')
  await wire.pass(2)
  const refused = await wire.ask('hello')
  await wire.passUntil(() => refused.isOver)
  assert.equal(refused.response.statusCode, 503)
  assert.match(refused.text, /"code":"no-healthy-replica"/)
  assert.deepEqual(callsOf(wire), [0, 0])
  const { first } = wire
  assert.ok(first.enter('well'))
  await wire.pass(2)
  const served = await wire.ask('again')
  assert.equal(wire.servedBy(served).one, first)
  await wire.passUntil(() => served.isOver)
})
