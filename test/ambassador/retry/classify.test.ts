import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { presetProfiles, profiles } from '../../../ambassador/providers/profile.ts'
import { classify } from '../../../ambassador/retry/classify.ts'
import { readErrorFacts } from '../../../ambassador/retry/error-facts.ts'
import { type OutcomeKind, rules } from '../../../ambassador/retry/outcome.ts'

const openaiError = (type: string, code: string | null, message = 'text') => ({
  error: { message, type, param: null, code },
})
const anthropicError = (type: string, message = 'text', errorCode?: string) => ({
  type: 'error',
  error: {
    type,
    message,
    ...(errorCode === undefined ? {} : { details: { error_code: errorCode } }),
  },
  request_id: 'req_1',
})

const vendors = { ...profiles, ...presetProfiles }

const xaiError = (error: string) => ({
  code: 'The caller does not have permission to execute the specified operation',
  error,
})

interface Case {
  readonly name: string
  readonly kind?: keyof typeof vendors
  readonly status: number
  readonly headers?: string[]
  readonly body?: unknown
  readonly gives: { readonly kind: OutcomeKind; readonly [fact: string]: unknown }
}

const credit = { kind: 'exhausted', reach: 'credential' } as const

/** Bodies as the providers document them or as users have reported them. */
const cases: Case[] = [
  // https://developers.openai.com/api/docs/guides/error-codes
  ...[
    'insufficient_quota',
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
  ].map((code) => ({
    name: `OpenAI ${code}`,
    status: 429,
    body: openaiError('insufficient_quota', code),
    gives: credit,
  })),
  {
    name: 'OpenAI credit in a code alone',
    status: 429,
    body: openaiError('billing', 'credit_balance_exhausted'),
    gives: credit,
  },
  {
    name: 'OpenAI tokens per minute',
    status: 429,
    headers: ['retry-after', '6'],
    body: openaiError(
      'tokens',
      'rate_limit_exceeded',
      'Rate limit reached on tokens per min (TPM)',
    ),
    gives: { kind: 'throttled', dimension: 'tokens', hintMs: 6_000 },
  },
  {
    name: 'OpenAI requests per day',
    status: 429,
    body: openaiError('requests', 'rate_limit_exceeded', 'Limit reached on requests per day (RPD)'),
    gives: { kind: 'throttled', dimension: 'day' },
  },
  {
    name: 'OpenAI flex without resources',
    status: 429,
    body: openaiError('rate_limit_error', 'resource_unavailable'),
    gives: { kind: 'overloaded' },
  },
  {
    name: 'OpenAI slow down',
    status: 503,
    body: openaiError('service_unavailable_error', 'slow_down'),
    gives: { kind: 'overloaded' },
  },
  {
    name: 'OpenAI wrong key',
    status: 401,
    body: openaiError('invalid_request_error', 'invalid_api_key'),
    gives: { kind: 'dead-credential', reach: 'credential' },
  },
  {
    name: 'OpenAI project without the model',
    status: 403,
    body: openaiError('invalid_request_error', 'model_not_found'),
    gives: { kind: 'dead-credential', reach: 'model' },
  },
  {
    name: 'OpenAI 500',
    status: 500,
    body: openaiError('server_error', null),
    gives: { kind: 'transient' },
  },
  {
    name: 'OpenAI lock',
    status: 409,
    body: openaiError('conflict', null),
    gives: { kind: 'transient' },
  },
  {
    name: 'OpenAI bad question',
    status: 400,
    body: openaiError('invalid_request_error', 'context_length_exceeded'),
    gives: { kind: 'caller', reason: 'context-window' },
  },
  // https://platform.claude.com/docs/en/api/errors
  {
    name: 'Anthropic rate limit',
    kind: 'anthropic',
    status: 429,
    headers: ['retry-after', '12'],
    body: anthropicError('rate_limit_error'),
    gives: { kind: 'throttled', hintMs: 12_000 },
  },
  {
    name: 'Anthropic ramp',
    kind: 'anthropic',
    status: 429,
    body: anthropicError('rate_limit_error', 'text', 'ramp_limit_exceeded'),
    gives: { kind: 'throttled' },
  },
  {
    name: 'Anthropic tier cap',
    kind: 'anthropic',
    status: 429,
    body: anthropicError('rate_limit_error', 'text', 'enforced_spend_limit_reached'),
    gives: credit,
  },
  {
    name: 'Anthropic own limit',
    kind: 'anthropic',
    status: 400,
    body: anthropicError(
      'invalid_request_error',
      'You have reached your specified API usage limits. You will regain access on 2026-12-01.',
    ),
    gives: credit,
  },
  {
    name: 'Anthropic credit',
    kind: 'anthropic',
    status: 400,
    body: anthropicError(
      'invalid_request_error',
      'Your credit balance is too low to access the API',
    ),
    gives: credit,
  },
  {
    name: 'Anthropic long question',
    kind: 'anthropic',
    status: 400,
    body: anthropicError('invalid_request_error', 'prompt is too long: 210000 tokens > 200000'),
    gives: { kind: 'caller', reason: 'context-window' },
  },
  {
    name: 'vLLM long question',
    kind: 'vllm',
    status: 400,
    body: {
      object: 'error',
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000.",
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    gives: { kind: 'caller', reason: 'context-window' },
  },
  {
    name: 'Anthropic billing',
    kind: 'anthropic',
    status: 402,
    body: anthropicError('billing_error'),
    gives: credit,
  },
  {
    name: 'Anthropic overloaded',
    kind: 'anthropic',
    status: 529,
    body: anthropicError('overloaded_error'),
    gives: { kind: 'overloaded' },
  },
  {
    name: 'Anthropic timeout',
    kind: 'anthropic',
    status: 504,
    body: anthropicError('timeout_error'),
    gives: { kind: 'unknown-outcome' },
  },
  // Azure OpenAI
  {
    name: 'Azure throttles',
    kind: 'azure',
    status: 429,
    headers: ['retry-after-ms', '2000'],
    body: { error: { code: '429', message: 'Requests have exceeded the token rate limit' } },
    gives: { kind: 'throttled', hintMs: 2_000 },
  },
  {
    name: 'Azure high demand',
    kind: 'azure',
    status: 429,
    body: { error: { code: '429', message: 'The system is currently experiencing high demand' } },
    gives: { kind: 'overloaded' },
  },
  {
    name: 'Azure content filter',
    kind: 'azure',
    status: 400,
    body: {
      error: { code: 'content_filter', innererror: { code: 'ResponsibleAIPolicyViolation' } },
    },
    gives: { kind: 'caller', reason: 'content-filter' },
  },
  // https://console.groq.com/docs/errors
  {
    name: 'Groq flex is full',
    kind: 'groq',
    status: 498,
    body: openaiError('capacity', 'capacity_exceeded'),
    gives: { kind: 'overloaded' },
  },
  {
    name: 'Groq question larger than its minute',
    kind: 'groq',
    status: 413,
    body: openaiError('tokens', 'rate_limit_exceeded', 'Request too large'),
    gives: { kind: 'caller' },
  },
  {
    name: 'Cohere invalid token',
    kind: 'openai-compatible',
    status: 498,
    body: { message: 'invalid token' },
    gives: { kind: 'dead-credential' },
  },
  {
    name: 'DeepSeek balance',
    kind: 'deepseek',
    status: 402,
    body: openaiError('unknown_error', 'invalid_request_error', 'Insufficient Balance'),
    gives: credit,
  },
  {
    name: 'Mistral tier capacity',
    kind: 'mistral',
    status: 429,
    body: {
      object: 'error',
      message: 'Service tier capacity exceeded for this model.',
      type: 'service_tier_capacity_exceeded',
      param: null,
      code: '3505',
    },
    gives: { kind: 'overloaded' },
  },
  {
    name: 'Mistral without allowance',
    kind: 'mistral',
    status: 429,
    headers: ['x-ratelimit-limit-req-minute', '0'],
    body: { object: 'error', message: 'Rate limit exceeded', type: 'rate_limited', code: '1300' },
    gives: { kind: 'exhausted', reach: 'model' },
  },
  {
    name: 'xAI credit, as 403 with a text',
    kind: 'xai',
    status: 403,
    body: {
      code: 'permission-denied',
      error:
        'Your team x has either used all available credits or reached its monthly spending limit.',
    },
    gives: credit,
  },
  {
    name: 'xAI credit, as 429 with a text',
    kind: 'xai',
    status: 429,
    body: xaiError(
      'Your team 16f2 has either used all available credits or reached its monthly spending limit. To continue making API requests, please purchase more credits.',
    ),
    gives: credit,
  },
  {
    name: 'xAI team without credit',
    kind: 'xai',
    status: 403,
    body: xaiError(
      "Your newly created team doesn't have any credits or licenses yet. You can purchase those on https://console.x.ai/team/481c.",
    ),
    gives: credit,
  },
  {
    name: 'xAI refused content',
    kind: 'xai',
    status: 403,
    body: xaiError(
      'Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO',
    ),
    gives: { kind: 'caller', reason: 'content-filter' },
  },
  {
    name: 'xAI wrong key',
    kind: 'xai',
    status: 400,
    body: xaiError(
      'Incorrect API key provided: xa***ab. You can obtain an API key from https://console.x.ai.',
    ),
    gives: { kind: 'dead-credential', reach: 'credential' },
  },
  {
    name: 'xAI long question',
    kind: 'xai',
    status: 400,
    body: xaiError(
      "This model's maximum prompt length is 131072 but the request contains 136973 tokens.",
    ),
    gives: { kind: 'caller', reason: 'context-window' },
  },
  {
    name: 'xAI forbids the model',
    kind: 'xai',
    status: 403,
    body: xaiError('The model is not available to your team.'),
    gives: { kind: 'dead-credential', reach: 'model' },
  },
  {
    name: 'OpenRouter limit of a key',
    kind: 'openrouter',
    status: 403,
    body: {
      error: {
        code: 403,
        message:
          'Key limit exceeded (monthly limit). Manage it using https://openrouter.ai/settings/keys',
      },
    },
    gives: credit,
  },
  {
    name: 'OpenRouter long question',
    kind: 'openrouter',
    status: 400,
    body: {
      error: {
        code: 400,
        message:
          "This endpoint's maximum context length is 8192 tokens. However, you requested 9000.",
      },
    },
    gives: { kind: 'caller', reason: 'context-window' },
  },
  {
    name: 'Mistral long question',
    kind: 'mistral',
    status: 400,
    body: {
      object: 'error',
      message:
        'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      type: 'invalid_request_prompt',
      code: '3051',
    },
    gives: { kind: 'caller', reason: 'context-window' },
  },
  {
    name: 'OpenRouter credit',
    kind: 'openrouter',
    status: 402,
    body: { error: { code: 402, message: 'Insufficient credits' } },
    gives: credit,
  },
  {
    name: 'OpenRouter credit too small for this question',
    kind: 'openrouter',
    status: 402,
    body: {
      error: { code: 402, message: 'This request requires more credits, or fewer max_tokens.' },
    },
    gives: { kind: 'exhausted', reach: 'call' },
  },
  {
    name: 'OpenRouter moderation',
    kind: 'openrouter',
    status: 403,
    body: { error: { code: 403, message: 'text', metadata: { reasons: ['violence'] } } },
    gives: { kind: 'caller', reason: 'content-filter' },
  },
  {
    name: 'Gemini waits as a detail',
    kind: 'openai-compatible',
    status: 429,
    body: [
      {
        error: {
          status: 'RESOURCE_EXHAUSTED',
          message: 'You exceeded your current quota, please check your plan and billing details.',
          details: [{ retryDelay: '36.5s' }],
        },
      },
    ],
    gives: { kind: 'throttled', hintMs: 36_500 },
  },
  {
    name: 'a copy of OpenAI without quota',
    kind: 'openai-compatible',
    status: 429,
    body: {
      error: {
        message: 'You exceeded your current quota, please check your plan and billing details.',
      },
    },
    gives: credit,
  },
  // vLLM and what stands in front
  { name: 'vLLM full', kind: 'vllm', status: 503, gives: { kind: 'full' } },
  {
    name: 'vLLM full, in words for a provider without room',
    kind: 'vllm',
    status: 503,
    body: anthropicError('overloaded_error'),
    gives: { kind: 'full' },
  },
  {
    name: 'Ollama full',
    kind: 'ollama',
    status: 503,
    body: { error: 'server busy, please try again. maximum pending requests exceeded' },
    gives: { kind: 'full' },
  },
  {
    name: 'a limit of Ollama’s hosted account',
    kind: 'ollama',
    status: 429,
    body: { error: 'you have reached your hourly usage limit' },
    gives: { kind: 'throttled' },
  },
  {
    name: 'vLLM long question with its answer',
    kind: 'vllm',
    status: 400,
    body: openaiError(
      'BadRequestError',
      null,
      "You passed 4097 input tokens and requested 1 output tokens. However, the model's context length is only 4096 tokens.",
    ),
    gives: { kind: 'caller', reason: 'context-window' },
  },
  {
    name: 'a firewall',
    status: 403,
    body: '<html>Attention Required!</html>',
    gives: { kind: 'caller' },
  },
  { name: 'a gateway', status: 502, body: '<html>', gives: { kind: 'unknown-outcome' } },
  { name: 'Cloudflare 524', status: 524, gives: { kind: 'unknown-outcome' } },
  { name: 'too early', status: 425, gives: { kind: 'transient' } },
  ...[501, 505].map((status) => ({
    name: 'not implemented',
    status,
    gives: { kind: 'unsupported' } as const,
  })),
  ...[507, 508, 530].map((status) => ({
    name: 'failed by its own account',
    status,
    gives: { kind: 'transient' } as const,
  })),
  ...[509, 520, 527, 528, 531, 561, 598, 599].map((status) => ({
    name: 'given up somewhere on the way',
    status,
    gives: { kind: 'unknown-outcome' } as const,
  })),
  { name: 'unprocessable', status: 422, gives: { kind: 'caller' } },
  { name: 'success', status: 200, gives: { kind: 'ok' } },
  {
    name: 'a provider that wants no retry',
    status: 500,
    headers: ['x-should-retry', 'false'],
    gives: { kind: 'transient', shouldRetry: false },
  },
]

for (const { name, kind = 'openai', status, headers = [], body, gives } of cases) {
  test(`${name} (${status}) is ${gives.kind}`, () => {
    const bytes = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body)
    const facts = readErrorFacts(Buffer.from(bytes))
    const outcome = classify({ profile: vendors[kind], status, headers, facts, wallMs: 0 })
    assert.deepEqual({ ...outcome, ...gives }, outcome)
  })
}

test('a caller can put no credential aside by what it asks, but for one model', () => {
  const texts = fc.oneof(fc.string(), fc.json(), fc.constant('<html>'))
  fc.assert(
    fc.property(texts, fc.constantFrom(400, 403, 404, 413, 422), (text, status) => {
      const facts = readErrorFacts(Buffer.from(text))
      const outcome = classify({
        profile: profiles.openai,
        status,
        headers: [],
        facts,
        wallMs: 0,
      })
      const isDead = outcome.kind === 'dead-credential'
      assert.ok(!isDead || outcome.reach === 'model')
    }),
  )
})

test('any status and body has an outcome with a rule, and its reason is none of their text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 999 }), fc.json(), (status, text) => {
      const facts = readErrorFacts(Buffer.from(text))
      const outcome = classify({
        profile: profiles.anthropic,
        status,
        headers: [],
        facts,
        wallMs: 0,
      })
      assert.ok(rules[outcome.kind] !== undefined)
      assert.match(outcome.reason, /^(?:ok|exhausted|context-window|content-filter|status-\d{3})$/)
    }),
  )
})

test('every 5xx leaves another target a chance, and says so', () => {
  for (let status = 500; status <= 599; status++) {
    for (const profile of Object.values(vendors)) {
      const { kind } = classify({ profile, status, headers: [], wallMs: 0 })
      assert.notEqual(rules[kind].replay, 'never', String(status))
    }
  }
})

test('what may bill twice is the only thing of unknown replay', () => {
  for (const rule of Object.values(rules)) {
    assert.equal(rule.mayBillTwice, rule.replay === 'unknown')
  }
})

test('throttling, lack of credit and the caller’s errors say nothing to a breaker', () => {
  for (const kind of ['throttled', 'exhausted', 'dead-credential', 'caller', 'left'] as const) {
    assert.equal(rules[kind].breaker, 'none')
  }
})
