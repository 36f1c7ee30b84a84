import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InTurn } from '#ambassador/pool/fairness/class-line.ts'
import { ClassTurns } from '#ambassador/pool/fairness/class-turns.ts'

function setUp(share = 0.1) {
  const classes = ['interactive', 'batch', 'idle']
  const turns = new ClassTurns<InTurn>({ classes, lowerShare: () => share, quantumMs: 100 })
  const [interactive, batch, idle] = classes.map((name) => turns.of(name))
  assert.ok(interactive && batch && idle)
  const add = (turn: typeof batch, key = 1, costMs = 100) => {
    const item = { key, costMs, tenant: turn.line.times.arrives('acme', 1) }
    turn.line.add(item)
    return item
  }
  return { turns, interactive, batch, idle, add }
}

test('classes go by rank, and an unknown one as the last', () => {
  const { turns } = setUp()
  assert.deepEqual(
    turns.all.map(({ name, rank }) => `${rank} ${name}`),
    ['0 interactive', '1 batch', '2 idle'],
  )
  assert.equal(turns.of('strange').name, 'idle')
})

test('a lower class has its share due of what higher ones take while it waits', () => {
  const { turns, interactive, batch, add } = setUp()
  turns.spend(interactive, 900)
  assert.equal(batch.dueMs, 0)
  add(batch)
  turns.spend(interactive, 900)
  assert.ok(Math.abs(batch.dueMs - 100) < 1e-9)
  assert.ok(batch.isDue)
  turns.spend(batch, 250)
  assert.ok(!batch.isDue)
  turns.spend(interactive, 900)
  assert.ok(!batch.isDue, 'what it took beyond its due it owes')
})

test('over time a class that waits gets its share', () => {
  const { turns, interactive, batch, add } = setUp(0.2)
  add(batch)
  const had = { interactive: 0, batch: 0 }
  for (let call = 0; call < 10_000; call++) {
    const name = batch.isDue ? 'batch' : 'interactive'
    const ms = 10 + ((call * 7) % 50)
    had[name] += ms
    turns.spend(name === 'batch' ? batch : interactive, ms)
  }
  const share = had.batch / (had.batch + had.interactive)
  assert.ok(Math.abs(share - 0.2) < 0.01, String(share))
})

test('a due is bounded, and lapses where nobody waits', () => {
  const { turns, interactive, batch, add } = setUp()
  const item = add(batch)
  turns.spend(interactive, 1e9)
  assert.equal(batch.dueMs, 10_000)
  batch.line.remove(item)
  assert.ok(!batch.isDue)
  turns.spend(interactive, 1)
  assert.equal(batch.dueMs, 0)
})

test('the second class has its due of the first, and the third of both', () => {
  const { turns, batch, idle, add } = setUp(0.5)
  add(batch)
  add(idle)
  turns.spend(batch, 100)
  assert.deepEqual([batch.dueMs, idle.dueMs], [-100, 100])
})

test('replicas are kept for the highest class that waits, and for one with a due', () => {
  const { turns, interactive, batch, add } = setUp()
  const [call, late] = [add(interactive), add(batch)]
  assert.deepEqual([...turns.keepable('in turn')], [call])
  turns.spend(interactive, 900)
  assert.deepEqual([...turns.keepable('in turn')], [call, late])
  interactive.line.remove(call)
  turns.spend(batch, 5_000)
  assert.deepEqual([...turns.keepable('in turn')], [late])
})

/** Milliseconds that go before a call of the class that has the largest key. */
function aheadMs({ turns }: ReturnType<typeof setUp>, name: string): number {
  const turn = turns.of(name)
  const comer = { key: 1e9, costMs: 0, tenant: turn.line.times.arrives('acme', 1) }
  let ms = 0
  for (const [{ costMs }, count] of turns.before(turn, comer)) ms += costMs * count
  return ms
}

test('before a call go those of higher classes until its own class has its due', () => {
  const stage = setUp(0.2)
  for (let key = 0; key < 20; key++) stage.add(stage.interactive, key)
  for (let key = 0; key < 3; key++) stage.add(stage.batch, key)
  // 300 of its own class, which are a fifth of what goes meanwhile.
  assert.ok(Math.abs(aheadMs(stage, 'batch') - 1_500) < 1e-6)
  // 2,000 of its own class, and all of a lower one, which has more than that due by then.
  assert.ok(Math.abs(aheadMs(stage, 'interactive') - 2_300) < 1e-6)
})

test('all of the higher classes go before a lower one that is promised nothing', () => {
  const stage = setUp(0)
  for (let key = 0; key < 20; key++) stage.add(stage.interactive, key)
  stage.add(stage.batch)
  assert.equal(aheadMs(stage, 'idle'), 2_100)
  assert.equal(aheadMs(stage, 'interactive'), 2_000)
})
