import assert from 'node:assert/strict'
import { ask, codeIn, question } from '../client.ts'
import { callOf } from '../harness.ts'
import { until, untilInFlight, untilStatus, uploadForever } from './occupy.ts'
import { type Rows, refusing } from './row.ts'
import { type AmbassadorStage, ambassadorLimits } from './stages.ts'

const { callsMax, bodyBytes } = ambassadorLimits
const own = ({ pair }: AmbassadorStage) => pair.ambassador

/** What the ambassador refuses of itself. The last row ends it. */
export const ambassadorRows = {
  'not-configured': refusing(
    { model: 'unconfigured' },
    { raisedBy: ({ unconfigured }) => unconfigured },
  ),
  'provider-disabled': refusing({ model: 'disabled' }, { raisedBy: ({ disabled }) => disabled }),
  overloaded: refusing(
    {},
    {
      given: ({ pair }) => uploadForever(pair.ambassador, { count: callsMax, bytes: 1 }),
      raisedBy: own,
    },
  ),
  'bodies-full': refusing(
    { content: 'x'.repeat(10_000) },
    {
      given: ({ pair }) => uploadForever(pair.ambassador, { count: 1, bytes: bodyBytes - 8_000 }),
      raisedBy: own,
    },
  ),
  'price-unknown': refusing({ model: 'unpriced' }, { raisedBy: ({ unpriced }) => unpriced }),
  'tenant-limit': refusing({ model: 'limited' }, { raisedBy: ({ limited }) => limited }),
  'tenant-concurrency': { observe: admitsOneAtATime },
  'rate-limited': { observe: namesTheTime },
  'breaker-open': { observe: opens },
  'count-not-offered': { observe: leavesTheCount },
  'no-healthy-replica': refusing(
    { model: 'bare' },
    {
      async given({ bare }) {
        await bare.line((line) => line['msg'] === 'replica is left out')
        return async () => {}
      },
      raisedBy: ({ bare }) => bare,
    },
  ),
  'deadline-exceeded': refusing({ headers: { 'x-sim-fault': 'stall-head' } }, { raisedBy: own }),
  draining: refusing(
    {},
    {
      async given({ pair }) {
        // Without a call in flight it would be gone before it could refuse.
        const release = await uploadForever(pair.ambassador, { count: 1, bytes: 1 })
        pair.ambassador.signal('SIGTERM')
        await untilStatus(pair.ambassador, 'isDraining', true)
        // Its pages end with it, so that its exit is what is waited for.
        return async () => {
          release().catch(() => undefined)
          await pair.ambassador.exited()
        }
      },
      raisedBy: own,
    },
  ),
} as const satisfies Rows<AmbassadorStage>

/** The sidecar, which can count by itself, keeps it from the application. */
async function leavesTheCount({ pair }: AmbassadorStage): Promise<void> {
  const body = { model: 'tiny', input: 'hello' }
  const question = { path: '/v1/responses/input_tokens', body }
  const refused = await ask(pair.ambassador.port, question)
  assert.deepEqual([refused.status, codeIn(refused.body)], [404, 'count-not-offered'])
  const counted = await ask(pair.port, question)
  assert.deepEqual([counted.status, counted.headers['x-outrigger-count']], [200, 'estimate'])
}

/** The place ends with the call that holds it, however it ends. */
async function admitsOneAtATime({ crowded, provider }: AmbassadorStage): Promise<void> {
  const held = question('chat', { fault: 'stall-head' })
  const end = new AbortController()
  const holding = fetch(`http://127.0.0.1:${crowded.port}${held.path}`, {
    method: 'POST',
    headers: { ...held.headers, 'content-type': 'application/json' },
    body: JSON.stringify(held.body),
    signal: end.signal,
  }).catch(() => undefined)
  await until(() => callOf(provider, held.id) !== undefined)
  const refused = await ask(crowded.port, question('messages', {}))
  assert.deepEqual([refused.status, codeIn(refused.body)], [429, 'tenant-concurrency'])
  assert.match(String(refused.headers['retry-after']), /^[12]$/)
  end.abort()
  await holding
  await untilInFlight(crowded, 0)
  assert.equal((await ask(crowded.port, question('chat', {}))).status, 200)
}

/** The provider is not asked a second time, and the caller hears when that makes sense. */
async function namesTheTime({ throttled, provider }: AmbassadorStage): Promise<void> {
  assert.equal((await ask(throttled.port, question('chat', {}))).status, 200)
  const earlier = provider.calls().length
  const refused = await ask(throttled.port, question('chat', {}))
  assert.deepEqual([refused.status, codeIn(refused.body)], [429, 'rate-limited'])
  assert.ok(Number(refused.headers['retry-after']) > 1)
  assert.deepEqual(
    [refused.headers['x-outrigger-replay'], refused.headers['x-outrigger-reason']],
    ['safe', 'rate-limited'],
  )
  assert.equal(provider.calls().length, earlier)
}

async function opens({ failing, provider }: AmbassadorStage): Promise<void> {
  const failed = await ask(failing.port, question('chat', { fault: 'status=500' }))
  assert.equal(failed.status, 500)
  const earlier = provider.calls().length
  const refused = await ask(failing.port, question('messages', {}))
  assert.deepEqual([refused.status, codeIn(refused.body)], [503, 'breaker-open'])
  assert.ok(Number(refused.headers['retry-after']) > 1)
  assert.equal(refused.headers['x-outrigger-reason'], 'unavailable')
  assert.equal(provider.calls().length, earlier)
}
