import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '../../../ambassador/quota/credential.ts'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import { RateLimited } from '../../../ambassador/quota/rate-limited.ts'
import { azureLimits, openaiLimits } from '../../../ambassador/quota/shape.ts'
import { atOnce, bench, turn, waits, want } from './wants.ts'

const main = { name: 'main', weight: 1, share: 1, limits: { tokens: 60_000 } }
const unlimited = { ...main, limits: {} }
const large = want({ tenant: 'large', outputTokensMax: 80_000 })
/** As OpenAI writes it. */
const refusal: Answer = {
  status: 429,
  headers: [],
  body: '{"error":{"message":"Request too large for m on tokens per min (TPM): Limit 60000, Requested 80000.","type":"tokens","code":"rate_limit_exceeded"}}',
}

function refused(action: () => unknown): RateLimited {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof RateLimited)
    return error
  }
  throw new Error('the call was not refused')
}

for (const [name, shape] of Object.entries({ openaiLimits, azureLimits })) {
  test(`${name}: a call larger than the limit is refused at once, and both are named`, () => {
    const { clock, quota } = bench(shape, { credentials: [main] })
    const error = refused(() => quota.enter(large))
    assert.equal(error.reason, 'too-large')
    assert.match(error.message, /\b80[0-9]{3}\b.*\b60000\b/)
    assert.equal(error.excess?.limit, 60_000)
    assert.equal(clock.pending(), 0)
    assert.ok(quota.dimensions.every(({ used }) => used === 0))
  })
}

test('an estimate that is a little larger than the limit refuses nobody: the provider decides', () => {
  const { quota } = bench(openaiLimits, { credentials: [main] })
  atOnce(quota.enter(want({ inputTokens: 80_000, outputTokensMax: 10 }))).release()
  assert.equal(refused(() => quota.enter(want({ inputTokens: 130_000 }))).reason, 'too-large')
})

test('a call goes by the credential whose limit is large enough', () => {
  const wide = { ...main, name: 'wide', limits: { tokens: 100_000 } }
  const { quota } = bench(openaiLimits, { credentials: [main, wide] })
  atOnce(quota.enter(want({ outputTokensMax: 59_000, excluded: ['main'] })))
  // The small one has more room, and none for this.
  waits(quota.enter(large))
  atOnce(quota.enter(want({ outputTokensMax: 100 })))
  quota.close(new Error('over'))
})

test('without the credential that is large enough a call is refused as too large', () => {
  const wide = { ...main, name: 'wide', limits: { tokens: 100_000 } }
  const { quota } = bench(openaiLimits, { credentials: [main, wide] })
  assert.equal(atOnce(quota.enter(large)).credential, 'wide')
  const again = refused(() => quota.enter({ ...large, excluded: ['wide'] }))
  assert.equal(again.reason, 'too-large')
})

test('a 429 about one call alone bars nobody, and its limit is known from then on', () => {
  const { clock, quota } = bench(openaiLimits, { credentials: [unlimited] })
  const other = atOnce(quota.enter(want({ outputTokensMax: 200 })))
  const permit = atOnce(quota.enter(large))
  permit.observe(refusal)
  permit.settle(undefined)
  atOnce(quota.enter(want({ outputTokensMax: 200 }))).release()
  const [tokens] = quota.dimensions.filter(({ dimension }) => dimension === 'tokens')
  assert.equal(tokens?.limit, 60_000)
  assert.ok((tokens?.used ?? 60_000) <= 200)
  assert.equal(refused(() => quota.enter(large)).excess?.limit, 60_000)
  other.settle(undefined)
  // It may have been raised since: one call shows whether it was.
  clock.advance(600_001)
  atOnce(quota.enter(large)).release()
})

test('a 429 with room for the call in the limit is about all calls, as ever', () => {
  const { quota } = bench(openaiLimits, { credentials: [main] })
  const permit = atOnce(quota.enter(want({ outputTokensMax: 200 })))
  const body = refusal.body?.replace('Requested 80000', 'Used 59900, Requested 200')
  permit.observe({ ...refusal, body })
  waits(quota.enter(want({ outputTokensMax: 200 })))
  quota.close(new Error('over'))
})

test('who waits with a call that turns out too large is told so', async () => {
  const { clock, quota } = bench(openaiLimits, { credentials: [unlimited] })
  const first = atOnce(quota.enter(large))
  for (let at = 0; at < 7; at++) atOnce(quota.enter(want()))
  const reasons: unknown[] = []
  const waiting = quota.enter(large)
  assert.ok(waiting instanceof Promise)
  const told = waiting.then(
    () => assert.fail('it was sent'),
    (error: unknown) => reasons.push(error instanceof RateLimited && error.reason),
  )
  first.observe(refusal)
  clock.advance(300)
  await told
  assert.deepEqual(reasons, ['too-large'])
})

test('a call that is too large for the limit keeps nobody waiting in a busy lane', async () => {
  const waitsWith = async (isLarge: boolean): Promise<number> => {
    const { clock, quota } = bench(openaiLimits, { credentials: [main] })
    let longestMs = 0
    const go = (outputTokensMax: number) => {
      const enteredMs = clock.now()
      const follow = async (entered: Permit | Promise<Permit>) => {
        await entered
        longestMs = Math.max(longestMs, clock.now() - enteredMs)
      }
      void follow(quota.enter(want({ tenant: 'small', outputTokensMax, patienceMs: 30_000 })))
    }
    for (let at = 0; at < 295; at++) go(200)
    for (let ms = 0; ms < 120_000; ms += 250) {
      go(200)
      if (isLarge && ms % 5_000 === 0) refused(() => quota.enter(large))
      clock.advance(250)
      await turn()
    }
    quota.close(new Error('over'))
    return longestMs
  }
  assert.equal(await waitsWith(true), await waitsWith(false))
})
