import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import { classifyError } from '../../../ambassador/retry/classify-error.ts'
import { fallbackReasonOf } from '../../../ambassador/retry/fallback-reason.ts'
import { ownWords } from '../../../ambassador/retry/own-words.ts'
import { ScriptedCall } from './scripted-call.ts'

/** As providers write them; every word in `secrets` is the account's. */
const refusals = [
  {
    status: 429,
    code: 'rate-limited',
    cause: '429 rate_limit_exceeded',
    secrets: ['org-abc', '30000', '29000'],
    error: {
      message:
        'Rate limit reached for gpt-x in organization org-abc on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.',
      type: 'tokens',
      code: 'rate_limit_exceeded',
    },
  },
  {
    status: 429,
    code: 'rate-limited',
    cause: '429 rate_limit_error',
    secrets: ['4f1c', '40,000'],
    error: {
      type: 'rate_limit_error',
      message:
        "This request would exceed your organization's (4f1c-77) rate limit of 40,000 input tokens per minute.",
    },
  },
  {
    status: 429,
    code: 'provider-exhausted',
    cause: '429 insufficient_quota',
    secrets: ['plan and billing'],
    error: {
      message: 'You exceeded your current quota, please check your plan and billing details.',
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    },
  },
  {
    status: 400,
    kind: 'anthropic',
    code: 'provider-exhausted',
    cause: '400 invalid_request_error',
    secrets: ['Plans & Billing', '2026-12-01'],
    error: {
      type: 'invalid_request_error',
      message:
        'Your credit balance is too low. Go to Plans & Billing; you regain access on 2026-12-01.',
    },
  },
  {
    status: 403,
    code: 'provider-disabled',
    cause: '403 model_not_found',
    secrets: ['proj_9'],
    error: {
      message: 'Project `proj_9` does not have access to model `m`',
      code: 'model_not_found',
    },
  },
  {
    status: 429,
    code: 'upstream-refused',
    cause: '429 capacity_exceeded',
    secrets: ['org_01'],
    error: {
      message: 'Flex tier capacity exceeded for model `m` in organization `org_01`',
      type: 'capacity',
      code: 'capacity_exceeded',
    },
  },
  {
    status: 401,
    code: 'provider-disabled',
    cause: '401 invalid_api_key',
    secrets: ['sk-a', '6f2'],
    error: { message: 'Incorrect API key provided: sk-a***6f2.', code: 'invalid_api_key' },
  },
] as const

for (const refusal of refusals) {
  const { status, code, cause, secrets, error } = refusal
  const kind = 'kind' in refusal ? refusal.kind : 'openai'
  for (const credential of ['main', '']) {
    test(`${status} of ${cause} with the key '${credential}'`, async () => {
      const body = JSON.stringify({ error })
      const steps = [{ status, body }]
      const call = new ScriptedCall({ steps, kind, credentials: [credential], patienceMs: 10 })
      const result = await call.run()
      call.close()
      if (credential === '') {
        assert.ok('response' in result, 'nothing of an account is in there')
        return
      }
      assert.ok('error' in result && result.error instanceof CallError)
      const { message, facts } = result.error
      assert.deepEqual([result.error.code, facts['cause'], call.bodiesOpen], [code, cause, 0])
      assert.match(message, /^Cannot call provider 'openai': /)
      for (const secret of secrets) {
        assert.ok(!JSON.stringify([message, facts]).includes(secret), secret)
      }
    })
  }
}

test('no word that a provider writes of an account is told, whatever it calls the error', async () => {
  const word = fc.string({ minLength: 4, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(
      word,
      fc.stringMatching(/^(?:sk|org|key)-[a-z0-9]{8,60}$/),
      fc.constantFrom(401, 402, 429),
      async (text, id, status) => {
        const error = { message: `${text} ${id}`, type: id, code: id }
        const steps = [{ status, body: JSON.stringify({ error }) }]
        const call = new ScriptedCall({ steps, patienceMs: 10 })
        const result = await call.run()
        call.close()
        assert.ok('error' in result && result.error instanceof CallError)
        const told = JSON.stringify([result.error.message, result.error.facts])
        assert.ok(!/\d/.test(id) || !told.includes(id), told)
      },
    ),
    { numRuns: 60 },
  )
})

test('what xAI filters is told without team and key, and as what it is', async () => {
  const text =
    'Content violates usage guidelines. Team: 481c, API key ID: 9f2, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO'
  const provider = { kind: 'openai-compatible', preset: 'xai' } as const
  for (const credential of ['main', '']) {
    const body = JSON.stringify({ code: 'The caller does not have permission', error: text })
    const call = new ScriptedCall({
      steps: [{ status: 403, body }],
      credentials: [credential],
      ...provider,
    })
    const result = await call.run()
    call.close()
    assert.equal(call.attempts.length, 1, 'no other key changes what was asked')
    if (credential === '') {
      assert.ok('response' in result, 'nothing of an account is in there')
      continue
    }
    assert.ok('error' in result && result.error instanceof CallError)
    const { error } = result
    assert.equal(error.message, "Cannot call provider 'openai': it refuses the content")
    assert.doesNotMatch(JSON.stringify(error.facts), /481c|9f2/)
    assert.deepEqual([error.row.status, error.row.replay], [403, 'never'])
    assert.equal(fallbackReasonOf(classifyError(error, provider)), 'content-filter')
  }
})

test('the first refusal of a key says for how long nobody asks with it', async () => {
  for (const status of [401, 403]) {
    const steps = [{ status, body: '{"error":{"message":"no"}}' }]
    const aside = { kind: 'dead-credential', leftMs: 29_999.5 } as const
    const call = new ScriptedCall({ steps, aside })
    const result = await call.run()
    call.close()
    assert.ok('error' in result && result.error instanceof CallError)
    const { code, facts } = result.error
    const { retryAfterMs, isFinal } = facts
    assert.deepEqual([code, retryAfterMs, isFinal], ['provider-disabled', 30_000, true])
  }
})

test('what is wrong with the question or the provider itself has no other words', () => {
  const rest = { reason: 'x', hintMs: undefined, shouldRetry: undefined }
  const refused = { credential: 'main', provider: 'p' }
  for (const kind of ['caller', 'overloaded', 'full', 'transient', 'unknown-outcome'] as const) {
    assert.equal(
      ownWords({ ...rest, kind }, refused, { soonestMs: undefined, aside: undefined }),
      undefined,
    )
  }
})
