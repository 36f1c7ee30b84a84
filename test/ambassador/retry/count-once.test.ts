import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import { header } from '#shared/http/headers.ts'
import { countOnce } from '../../../ambassador/retry/count-once.ts'
import type { Outcome } from '../../../ambassador/retry/outcome.ts'
import { manualClock } from '../../manual-clock.ts'
import { callWith, snapshotOf } from '../admission/stage.ts'
import { drained } from './scripted-call.ts'

const snapshot = snapshotOf({
  kind: 'anthropic',
  credentials: [{ name: 'main', secret: 'KEY' }],
})
const limits = { attempts: 1, base: 1, max: 1, budgetPercent: 0, budgetFloor: 0 }
const breaker = { failures: 1, errorPercent: 1, volume: 1, window: 1, reset: 1, slow: 1 }

/** One count that is answered so, and how its credential was judged. */
async function counted(status: number, body: string) {
  const judged: [string, Outcome][] = []
  const parts = {
    provider: () => ({
      kind: 'anthropic' as const,
      retry: { ...limits, unknown: 'leave' as const },
      breaker,
    }),
    credentials: {
      next: () => undefined,
      pickFor: () => 'main',
      judge: (_call: unknown, name: string, outcome: Outcome) => void judged.push([name, outcome]),
      asideOf: () => ({ kind: 'dead-credential' as const, leftMs: 30_000 }),
    },
  }
  const call = callWith(manualClock(), snapshot)
  const answer = { status, headers: ['x', 'y'], body: bytesBody(Buffer.from(body)) }
  try {
    const response = await countOnce(parts, call, async () => answer)
    return { judged, call, response, error: undefined }
  } catch (error) {
    assert.ok(error instanceof CallError)
    return { judged, call, response: undefined, error }
  }
}

for (const [status, kind] of [
  [401, 'dead-credential'],
  [403, 'dead-credential'],
  [402, 'exhausted'],
] as const) {
  test(`a count refused with ${status} tells of the credential, in our own words`, async () => {
    const { judged, error } = await counted(status, '{"error":{"message":"sk-a***"}}')
    assert.deepEqual(
      judged.map(([name, outcome]) => [name, outcome.kind]),
      [['main', kind]],
    )
    const { code, facts } = error ?? {}
    const isDead = kind === 'dead-credential'
    assert.equal(code, isDead ? 'provider-disabled' : 'provider-exhausted')
    assert.equal(facts?.['retryAfterMs'], isDead ? 30_000 : undefined)
  })
}

test('a count that is the caller’s own mistake passes as it came', async () => {
  const body = '{"error":{"type":"invalid_request_error","message":"bad"}}'
  const { judged, response } = await counted(400, body)
  assert.ok(response !== undefined)
  assert.deepEqual([response.status, header(response.headers, 'x')], [400, 'y'])
  assert.equal(await drained(response.body), body)
  assert.deepEqual(
    judged.map(([, { kind }]) => kind),
    ['caller'],
  )
})

test('a count that is answered judges nothing', async () => {
  const { judged, call } = await counted(200, '{"input_tokens":1}')
  assert.deepEqual([judged, call.credential], [[], 'main'])
})
