import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProvider } from './harness.ts'
import { isHeard, startPool, type Turn, user } from './pool-stage.ts'

/** The first answer of that status: what a replica serves is asked for beside its metrics. */
async function once(ask: () => Promise<Turn>, status: number): Promise<Turn> {
  for (;;) {
    const turn = await ask()
    if (turn.status === status) return turn
    assert.equal(turn.status, 404, turn.body)
  }
}

test('a call for an adapter goes where it is, however busy that one is', async (t) => {
  const replicas = await Promise.all([
    startProvider({ lorasMax: 1 }),
    startProvider({ loras: ['sql'] }),
    startProvider({ lorasMax: 1 }),
  ])
  t.after(() => Promise.all(replicas.map((replica) => replica.close())))
  const stage = await startPool(
    t,
    replicas.map(({ port }) => port),
  )
  await stage.statusOnce(isHeard)
  const ask = (name: string) => stage.chat({ model: 'sql', messages: [user(name)] })
  await once(() => ask('first'), 200)
  const turns = await Promise.all(Array.from({ length: 12 }, (_, at) => ask(`call ${at}`)))
  for (const { status, replica, attempts } of turns) {
    assert.deepEqual([status, replica, attempts], [200, stage.addresses[1], '1'])
  }
})

test('an adapter that no replica has is loaded where the call goes, where that is configured', async (t) => {
  const replicas = await Promise.all([1, 2].map(() => startProvider({ runtimeLoras: true })))
  t.after(() => Promise.all(replicas.map((replica) => replica.close())))
  const stage = await startPool(
    t,
    replicas.map(({ port }) => port),
    { dispatch: { adapters: { sql: '/models/sql' } } },
  )
  await stage.statusOnce(isHeard)
  const { body } = await once(() => stage.chat({ model: 'sql', messages: [user('hello')] }), 200)
  assert.equal(JSON.parse(body).model, 'sql')
})
