import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Stream, startWire, type Wire } from './stage.ts'

/** The seconds in which silence is noticed: five without a sign, a look, and the page before. */
const noticedIn = { least: 5, most: 8 } as const
/** A replica that was silent is given one call after ten. */
const restSeconds = 12

const isWhole = ({ text }: Stream) =>
  text.trimEnd().endsWith('data: [DONE]') && text.includes('"length"') && !text.includes('"error"')

/** What it has said, event after event. */
function words({ text }: Stream): string {
  return [...text.matchAll(/"content":"([^"]*)"/g)].map(([, word]) => word).join('')
}

function assertNoticed(seconds: number): void {
  const { least, most } = noticedIn
  assert.ok(seconds >= least && seconds <= most, `${seconds} s`)
}

/** A stream that has begun, and the replica that then stops; with time for its first page since. */
async function stopped(wire: Wire) {
  const stream = await wire.ask('hello')
  await wire.passUntil(() => words(stream).length > 100)
  const { one, others } = wire.servedBy(stream)
  assert.ok(!stream.isOver && one.enter('stuck'))
  return { stream, one, others, said: words(stream) }
}

async function assertServedBy(wire: Wire, name: string, allowed: readonly unknown[]) {
  const stream = await wire.ask(name)
  assert.ok(allowed.includes(wire.servedBy(stream).one))
  await wire.passUntil(() => stream.isOver)
  assert.ok(isWhole(stream), stream.text)
  return stream
}

test('a stream whose replica stops in the middle goes on at another one within seconds', async (t) => {
  const wire = await startWire(t, { pool: { resume: true } })
  const { stream, one, others, said } = await stopped(wire)
  assertNoticed(await wire.passUntil(() => words(stream).length > said.length))
  await wire.passUntil(() => stream.isOver)
  assert.ok(isWhole(stream), stream.text)
  assert.ok(words(stream).startsWith(said))
  assert.equal(wire.servedBy(stream).one, one)
  assert.equal(await wire.leftOut(one), 'silent')
  assert.equal((await fetch(`http://127.0.0.1:${one.port}/health`)).status, 200)
  for (const name of ['a', 'b', 'c', 'd']) await assertServedBy(wire, name, others)
})

test('without resuming the stream of a replica that stops stays, and nobody else is sent there', async (t) => {
  const wire = await startWire(t, { pool: { timeouts: { idle: '45s' } } })
  const { stream, one, others, said } = await stopped(wire)
  for (let seconds = 0; (await wire.leftOut(one)) === undefined; seconds++) {
    assert.ok(seconds <= noticedIn.most)
    await wire.pass(1)
  }
  await assertServedBy(wire, 'a', others)
  assert.ok(!stream.isOver)
  assert.equal(words(stream), said)
  assert.ok((await wire.passUntil(() => stream.isOver)) <= 46)
  assert.match(stream.text, /"code":"idle-timeout"/)
  assert.doesNotMatch(stream.text, /\[DONE\]/)
})

test('a stream that stayed is whole where its replica goes on in time, and calls are sent there again', async (t) => {
  const wire = await startWire(t, { pool: { timeouts: { idle: '45s' } } })
  const { stream, one } = await stopped(wire)
  await wire.pass(20)
  assert.equal(await wire.leftOut(one), 'silent')
  assert.ok(one.enter('well'))
  await wire.passUntil(() => stream.isOver)
  assert.ok(isWhole(stream), stream.text)
  await wire.pass(1)
  assert.equal(await wire.leftOut(one), undefined)
  const served = new Set<unknown>()
  for (const name of ['a', 'b', 'c', 'd']) {
    served.add(wire.servedBy(await assertServedBy(wire, name, wire.replicas)).one)
  }
  assert.ok(served.has(one))
})

test('a call whose replica stops before its first token is answered by another one', async (t) => {
  const wire = await startWire(t)
  const { first } = wire
  assert.ok(first.enter('stuck'))
  // One of two that are asked at once is sent there.
  const fromMs = wire.clock.now()
  const streams = await Promise.all([wire.ask('a'), wire.ask('b')])
  assertNoticed((wire.clock.now() - fromMs) / 1_000)
  await wire.passUntil(() => streams.every(({ isOver }) => isOver))
  for (const stream of streams) {
    assert.ok(isWhole(stream), stream.text)
    assert.notEqual(wire.servedBy(stream).one, first)
  }
  const attempts = streams.map(({ response }) => response.headers['x-outrigger-attempts'])
  assert.deepEqual(new Set(attempts), new Set(['1', '2']))
  assert.equal(await wire.leftOut(first), 'silent')
  for (const name of ['c', 'd', 'e']) await assertServedBy(wire, name, wire.replicas.slice(1))
})

test('after a rest one call tries a replica that was silent, and a second silence costs that call no more', async (t) => {
  const wire = await startWire(t)
  const { first } = wire
  assert.ok(first.enter('stuck'))
  const streams = await Promise.all([wire.ask('a'), wire.ask('b')])
  await wire.passUntil(() => streams.every(({ isOver }) => isOver))
  const before = first.calls().length
  await wire.pass(restSeconds)
  const trials = await Promise.all(['c', 'd', 'e', 'f'].map((name) => wire.ask(name)))
  assert.equal(first.calls().length, before + 1)
  await wire.passUntil(() => trials.every(({ isOver }) => isOver))
  for (const trial of trials) assert.ok(isWhole(trial), trial.text)
  assert.ok(first.enter('well'))
  assert.equal(await wire.leftOut(first), 'silent')
  // The second rest is twice as long.
  await wire.pass(2 * restSeconds)
  const again = await Promise.all(['g', 'h'].map((name) => wire.ask(name)))
  await wire.passUntil(() => again.every(({ isOver }) => isOver))
  assert.ok(again.some((stream) => wire.servedBy(stream).one === first))
  assert.equal(await wire.leftOut(first), undefined)
})

test('a replica that says it sleeps is given nothing until it says that it is awake', async (t) => {
  const wire = await startWire(t)
  const { first } = wire
  assert.ok(first.enter('asleep'))
  await wire.pass(2)
  const [asleep] = await wire.status()
  assert.equal(asleep?.sleep, 'weights-offloaded')
  const streams = await Promise.all(['a', 'b', 'c'].map((name) => wire.ask(name)))
  assert.equal(first.calls().length, 0)
  assert.ok(first.enter('well'))
  await wire.pass(2)
  const next = await Promise.all(['d', 'e', 'f'].map((name) => wire.ask(name)))
  assert.ok(next.some((stream) => wire.servedBy(stream).one === first))
  await wire.passUntil(() => [...streams, ...next].every(({ isOver }) => isOver))
})
