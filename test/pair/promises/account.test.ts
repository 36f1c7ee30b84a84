import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { type Besides, besides } from '../errors/besides.ts'
import { asking, heard, type SdkName, type Sdks, sdksOf } from '../errors/sdks.ts'
import { type Half, type Pair, type Provider, startProvider } from '../harness.ts'
import { aliases, environmentOf, type Key, openaiPool, startTaken } from './stage.ts'

/** One refusal of a provider, and what an application may hear of it. */
interface Refusal {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly error: object
  readonly told: { readonly status: number; readonly code: string; readonly reason: string }
  /** What the access line of the ambassador calls it. */
  readonly cause: string
}

const limited = { status: 429, code: 'rate-limited', reason: 'rate-limited' }
const exhausted = { status: 503, code: 'provider-exhausted', reason: 'rate-limited' }
const dead = { status: 503, code: 'provider-disabled', reason: 'unavailable' }

/** As OpenAI, Azure and Anthropic write them; `4711` is in each, and is the account's. */
const refusals: Readonly<Record<string, Refusal>> = {
  openai: {
    status: 429,
    headers: { 'retry-after': '3600', 'x-ratelimit-limit-tokens': '30000' },
    error: {
      message:
        'Rate limit reached for gpt-x in organization org-4711 on tokens per min (TPM): Limit 30000, Used 29000.',
      type: 'tokens',
      param: null,
      code: 'rate_limit_exceeded',
    },
    told: limited,
    cause: '429 rate_limit_exceeded',
  },
  azure: {
    status: 429,
    headers: { 'retry-after': '3600' },
    error: {
      code: '429',
      message:
        'Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 for resource-4711 have exceeded token rate limit of your current OpenAI S0 pricing tier.',
    },
    told: limited,
    cause: '429',
  },
  anthropic: {
    status: 429,
    headers: { 'retry-after': '3600' },
    error: {
      type: 'rate_limit_error',
      message:
        'This request would exceed your organization’s (org 4711) rate limit of 40,000 input tokens per minute.',
    },
    told: limited,
    cause: '429 rate_limit_error',
  },
  quota: {
    status: 429,
    error: {
      message: 'You exceeded your current quota (org-4711), please check your plan and billing.',
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    },
    told: exhausted,
    cause: '429 insufficient_quota',
  },
  credit: {
    status: 400,
    error: {
      type: 'invalid_request_error',
      message: 'Billing hard limit of org-4711 has been reached.',
      code: 'billing_hard_limit_reached',
    },
    told: exhausted,
    cause: '400 billing_hard_limit_reached',
  },
  key: {
    status: 401,
    error: {
      message: 'Incorrect API key provided: sk-***4711.',
      type: 'invalid_request_error',
      code: 'invalid_api_key',
    },
    told: dead,
    cause: '401 invalid_api_key',
  },
  project: {
    status: 403,
    error: {
      message: 'Project `proj_4711` does not have access to model `gpt-x`',
      type: 'invalid_request_error',
      code: 'model_not_found',
    },
    told: dead,
    cause: '403 model_not_found',
  },
}

/** What an SDK raises: never a class that blames the caller for a key that is not its own. */
const raised = {
  429: { openai: OpenAI.RateLimitError, anthropic: Anthropic.RateLimitError },
  503: { openai: OpenAI.InternalServerError, anthropic: Anthropic.ServiceUnavailableError },
} as const

const sdkNames: readonly SdkName[] = ['openai', 'anthropic']
/** Each refusal puts its key aside: each SDK's has another one. */
const names = Object.keys(refusals).flatMap((name) => sdkNames.map((sdk) => `${name}-${sdk}`))
const keys: readonly Key[] = [...names, 'own'].map((name) => ({ name, models: [name] }))
const mistake = {
  message: 'org-4711 says: bad',
  type: 'invalid_request_error',
  param: 'x',
  code: null,
}

let provider: Provider
let extras: Besides
let pair: Pair
let direct: Half
let sdks: Sdks

function refuse(
  response: ServerResponse,
  { status, headers, error }: Omit<Refusal, 'told' | 'cause'>,
) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ type: 'error', error }))
}

before(async () => {
  provider = await startProvider()
  extras = besides(provider.port)
  const port = await extras.listen(
    createServer((request, response) => {
      request.resume()
      const refusal = refusals[String(request.headers['x-refusal'])]
      if (request.method !== 'POST') response.end('{}')
      else refuse(response, refusal ?? { status: 400, error: mistake })
    }),
  )
  const own = {
    pool: openaiPool(port, keys, { dialects: ['chat', 'messages'] }),
    models: { tiny: undefined, assistant: undefined, ...aliases([...names, 'own']) },
    environment: environmentOf(keys),
  }
  direct = await extras.start('ambassador', own)
  pair = await startTaken({ provider: provider.port, ...own, sidecar: { deadline: '20s' } })
  sdks = sdksOf(pair.port)
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await provider?.close()
})

for (const [name, { told, cause }] of Object.entries(refusals)) {
  for (const sdk of sdkNames) {
    test(`${sdk}: what a provider says of its account (${name}) is told as ${told.code}`, async () => {
      const sinceMs = Date.now()
      const headers = { 'x-refusal': name }
      const refusal = await heard(sdk, asking({ model: `${name}-${sdk}`, headers })[sdk](sdks))
      assert.equal(refusal.status, told.status)
      assert.equal(refusal.thrown.constructor, raised[told.status === 429 ? 429 : 503][sdk])
      const text = JSON.stringify([refusal.body, [...refusal.headers]])
      assert.ok(!text.includes('4711'), text)
      assert.match(text, new RegExp(`"code":"${told.code}"`))
      // No credit, no right, or an hour to wait: a second try would be in vain.
      assert.equal(refusal.headers.get('x-should-retry'), 'false')
      assert.equal(refusal.headers.get('x-outrigger-reason'), told.reason)
      if (told === limited) assert.ok(Number(refusal.headers.get('retry-after')) > 3_500)
      const line = await pair.ambassador.call(sinceMs)
      assert.deepEqual(
        [line['error'], line['cause'], line['status']],
        [told.code, cause, told.status],
      )
    })
  }
}

test('the caller’s own mistake passes byte for byte', async () => {
  const answer = await fetch(`http://127.0.0.1:${direct.port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'own', messages: [] }),
  })
  assert.equal(answer.status, 400)
  assert.equal(await answer.text(), JSON.stringify({ type: 'error', error: mistake }))
})
