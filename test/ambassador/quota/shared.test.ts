import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anthropicLimits, openaiLimits } from '../../../ambassador/quota/shape.ts'
import { atOnce, bench, shapeOf, tokensByMinute, turn, waits, want } from './wants.ts'

const shape = shapeOf(tokensByMinute)
const one = { name: 'one', weight: 1, share: 1, limits: { tokens: 6_000 } }
const two = { ...one, name: 'two' }
const options = {
  waitingMax: { interactive: 100, batch: 100 },
  tenantShareMax: 1,
  batchShare: 0.1,
}

test('models of one class of Anthropic’s meet one limit, and those of others their own', () => {
  const { familyOf } = anthropicLimits
  const opus = ['claude-opus-4-5', 'claude-opus-4-1-20250805', 'claude-opus-4-20250514']
  assert.deepEqual(new Set(opus.map(familyOf)), new Set(['claude-opus-4.x']))
  assert.equal(familyOf('claude-sonnet-4-6'), familyOf('claude-sonnet-4-20250514'))
  const own = [
    'claude-opus-5',
    'claude-opus-5-5',
    'claude-sonnet-5',
    'claude-haiku-4-5',
    'claude-opus-4-5',
  ]
  assert.equal(new Set(own.map(familyOf)).size, own.length)
  assert.equal(familyOf('claude-haiku-4-5-20251001'), familyOf('claude-haiku-4-5'))
})

test('models of a configured family wait for one limit', () => {
  const families = new Map([
    ['m', 'both'],
    ['n', 'both'],
  ])
  const { quota } = bench(shape, { credentials: [one], families })
  atOnce(quota.enter(want({ model: 'm', inputTokens: 5_400 })))
  waits(quota.enter(want({ model: 'n', inputTokens: 1_000 })))
  atOnce(quota.enter(want({ model: 'o', inputTokens: 1_000 })))
  quota.close(new Error('over'))
})

test('credentials of one account have one limit together, and others one each', () => {
  const account = 'ours'
  const { quota } = bench(shape, {
    credentials: [
      { ...one, account },
      { ...two, account },
    ],
  })
  atOnce(quota.enter(want({ inputTokens: 5_400 })))
  waits(quota.enter(want({ inputTokens: 3_000 })))
  assert.equal(quota.dimensions.length, 1)
  quota.close(new Error('over'))
  const apart = bench(shape, { credentials: [one, two] })
  atOnce(apart.quota.enter(want({ inputTokens: 5_400 })))
  atOnce(apart.quota.enter(want({ inputTokens: 3_000 })))
})

test('a call waits as long for two keys of an account as for one', async () => {
  const waitedMs = async (names: readonly string[]) => {
    const credentials = names.map((name) => ({ ...one, name, account: 'ours' }))
    const { clock, quota } = bench(shape, { credentials })
    for (let at = 0; at < 40; at++) atOnce(quota.enter(want()))
    const refusal = { status: 429, headers: ['retry-after', '5'], body: undefined }
    atOnce(quota.enter(want())).observe({ ...refusal, body: 'tokens per minute (TPM)' })
    // A forecast that counted the account twice would let it wait.
    assert.throws(() => quota.enter(want({ inputTokens: 5_400, patienceMs: 40_000 })))
    const sent: number[] = []
    const follow = async () => {
      await quota.enter(want({ inputTokens: 3_000 }))
      sent.push(clock.now())
    }
    void follow()
    while (sent.length === 0 && clock.now() < 120_000) {
      clock.advance(100)
      await turn()
    }
    return sent[0]
  }
  assert.ok(await waitedMs(['one']))
  assert.equal(await waitedMs(['one', 'two']), await waitedMs(['one']))
})

test('an account keeps what is known of it when its keys change', () => {
  const account = 'ours'
  const { quota } = bench(shape, { credentials: [{ ...one, account, identity: 'a' }] })
  atOnce(quota.enter(want({ inputTokens: 5_400 })))
  quota.configure({ ...options, credentials: [{ ...one, account, identity: 'b' }] })
  assert.equal(quota.dimensions[0]?.used, 5_400)
  // One that leaves it has an account of its own, of which nothing is known.
  quota.configure({ ...options, credentials: [{ ...one, identity: 'b' }] })
  atOnce(quota.enter(want({ inputTokens: 5_000 })))
})

test('calls wait for a connection as they wait for a limit, and go when one is free', async () => {
  const connections = { place: 'https://p', most: 2 }
  const credentials = [
    { ...one, limits: {}, connections },
    { ...two, limits: {}, connections },
  ]
  const { clock, quota } = bench(openaiLimits, { credentials })
  const first = atOnce(quota.enter(want()))
  const second = atOnce(quota.enter(want()))
  const gone: string[] = []
  const follow = async (name: string) => {
    await quota.enter(want())
    gone.push(name)
  }
  void follow('third')
  void follow('fourth')
  assert.equal(quota.waiting['interactive'], 2)
  first.settle({ input: 1, cached: 0, output: 1 })
  await turn()
  assert.deepEqual(gone, ['third'])
  second.release()
  await turn()
  assert.deepEqual(gone, ['third', 'fourth'])
  assert.equal(clock.pending(), 0)
})

test('however a call ends, its connection is free again once', () => {
  const credentials = [{ ...one, limits: {}, connections: { place: 'https://p', most: 1 } }]
  const { clock, quota } = bench(shape, { credentials })
  const answer = { headers: [], body: undefined }
  const again = () => {
    clock.advance(60_000)
    return atOnce(quota.enter(want()))
  }
  again().release()
  again().dismiss()
  again().settle(undefined)
  const refused = again()
  refused.observe({ ...answer, status: 429 })
  refused.settle(undefined)
  refused.release()
  const last = again()
  last.observe({ ...answer, status: 200 })
  waits(quota.enter(want()))
  quota.close(new Error('over'))
})
