import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import { Breakers } from '../../../ambassador/breaker/breakers.ts'
import { providerOf } from '../../../ambassador/provider-of.ts'
import { retry } from '../../../ambassador/retry/retry.ts'
import { RetryBudget } from '../../../ambassador/retry/retry-budget.ts'
import { manualClock } from '../../manual-clock.ts'
import { callWith, snapshotOf, turnsOf } from '../admission/stage.ts'
import { chatRequest } from '../chat-request.ts'

const snapshot = snapshotOf(
  { kind: 'openai', credentials: [{ name: 'main', secret: 'KEY' }] },
  { KEY: 'key-of-main' },
)

test('the first call that meets a dead key is told the time that later ones are told', async () => {
  const clock = manualClock()
  const turns = turnsOf(clock)
  turns.configure(snapshot, 'p')
  const breakers = new Breakers({ clock, onChange: () => {}, breakersMax: 10 })
  const layer = retry({
    provider: providerOf,
    credentials: turns,
    breakers,
    budget: new RetryBudget(clock),
    onAttempt: () => {},
    onSuperseded: () => {},
    onGiveUp: () => {},
  })
  const body = '{"error":{"message":"Incorrect API key provided.","code":"invalid_api_key"}}'
  const service = layer(async () => ({
    status: 401,
    headers: [],
    body: bytesBody(Buffer.from(body)),
  }))
  const refused = async () => {
    const error = await service(chatRequest(), callWith(clock, snapshot)).catch((thrown) => thrown)
    assert.ok(error instanceof CallError)
    return [error.code, error.facts['retryAfterMs'], error.facts['isFinal']]
  }
  assert.deepEqual(await refused(), ['provider-disabled', 30_000, true])
  clock.advance(10_000)
  assert.deepEqual(await refused(), ['provider-disabled', 20_000, true])
  turns.close()
  breakers.close()
  assert.equal(clock.pending(), 0)
})
