import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Replica } from '#deploy/simulator/server.ts'
import { ask } from '../../../simulator/client.ts'
import { startWire } from './stage.ts'

const content = Array.from({ length: 300 }, (_, at) => `word-${at}`).join(' ')
const messages = [{ role: 'user', content }]
const asksOf = ({ calls }: Replica) => calls().filter(({ path }) => path.startsWith('/v1/messages'))

/** A pool of replicas of these versions, each tenant of which is to have a cache of its own. */
async function setUp(t: TestContext, versions: readonly string[]) {
  const wire = await startWire(t, {
    replicas: versions.map((version) => ({ version, tokenMs: 0 })),
    pool: { cacheSalt: { secret: 'SALT' } },
    environment: { SALT: 'grains' },
  })
  // Its pages first, its version then.
  await wire.pass(3)
  const say = (path = '/v1/messages') => {
    const body = { model: 'tiny', max_tokens: 1, messages }
    return wire.during(ask(wire.port, { path, body }))
  }
  return { wire, say }
}

test('a message of a tenant with a salt goes only to replicas whose vLLM obeys one there', async (t) => {
  const { wire, say } = await setUp(t, ['0.26.0', '0.27.0'])
  for (let turn = 0; turn < 6; turn++) assert.equal((await say()).status, 200)
  assert.deepEqual(
    wire.replicas.map((each) => asksOf(each).length),
    [0, 6],
  )
  // Chats are kept apart by all of them.
  assert.equal((await say('/v1/chat/completions')).status, 200)
})

test('where no replica obeys a salt a message is refused, whatever else the pool serves', async (t) => {
  const { wire, say } = await setUp(t, ['0.26.0', '0.26.0'])
  const { status, body } = await say()
  assert.equal(status, 503)
  assert.match(body, /no-healthy-replica|cacheSalt/)
  assert.deepEqual(
    wire.replicas.map((each) => asksOf(each).length),
    [0, 0],
  )
  assert.equal((await say('/v1/chat/completions')).status, 200)
})

test('a simulated replica obeys a salt of a message as the vLLM of its version does', async (t) => {
  for (const [version, hits] of [
    ['0.26.0', true],
    ['0.27.0', false],
  ] as const) {
    const wire = await startWire(t, { replicas: [{ version, tokenMs: 0 }] })
    const read = async (salt: string) => {
      const body = { model: 'tiny', max_tokens: 1, messages, cache_salt: salt }
      const seen = await wire.during(ask(wire.first.port, { path: '/v1/messages', body }))
      return JSON.parse(seen.body).usage.cache_read_input_tokens ?? 0
    }
    assert.equal(await read('one'), 0)
    assert.equal((await read('other')) > 0, hits)
  }
})
