import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { type Besides, besides } from '../errors/besides.ts'
import { asking, type Sdks } from '../errors/sdks.ts'
import type { Pair } from '../harness.ts'
import { type PlannedProvider, startPlanned } from './planned-provider.ts'
import {
  aliases,
  eager,
  environmentOf,
  type Key,
  openaiPool,
  standing,
  startTaken,
} from './stage.ts'

const sdkNames = ['openai', 'anthropic'] as const

/** What every try meets, and whether it may bill twice. */
const failures = ['500', '503', '507', '529', '501', 'reset', '408', '504', '598'] as const
const unknown = ['reset', '408', '504', '598'] as const
const waits = ['429', '503'] as const

/** Each question has a key of its own: what becomes of it is nothing to the next. */
const names = sdkNames.flatMap((sdk) => [
  ...failures.map((plan) => `vain-${plan}-${sdk}`),
  ...waits.flatMap((status) => [`soon-${status}-${sdk}`, `late-${status}-${sdk}`]),
])
const careful = sdkNames.flatMap((sdk) => unknown.map((plan) => `left-${plan}-${sdk}`))

const keysOf = (all: readonly string[]): Key[] => all.map((name) => ({ name, models: [name] }))

let provider: PlannedProvider
let extras: Besides
let pair: Pair
let sdks: Sdks

before(async () => {
  provider = await startPlanned()
  extras = besides(provider.port)
  const dialects = ['chat', 'messages']
  const environment = environmentOf(keysOf([...names, ...careful]))
  const models = { tiny: undefined, assistant: undefined }
  const left = await extras.start('ambassador', {
    pool: openaiPool(provider.port, keysOf(careful), {
      dialects,
      retry: { ...eager, unknown: 'leave' },
    }),
    environment,
    models: { ...models, ...aliases(careful) },
  })
  pair = await startTaken({
    provider: provider.port,
    pool: openaiPool(provider.port, keysOf(names), { dialects, retry: eager }),
    environment,
    models: { ...models, ...aliases(names), ...aliases(careful, 'left') },
    providers: { left: { ...standing(left), dialects } },
    sidecar: { deadline: '3s' },
  })
  // As applications have them, with the retries that they make by themselves.
  const base = `http://127.0.0.1:${pair.port}`
  sdks = {
    openai: new OpenAI({ apiKey: 'k', baseURL: `${base}/v1` }),
    anthropic: new Anthropic({ apiKey: 'k', baseURL: base }),
  }
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await provider?.close()
})

/** Asks once through the SDK; gives what came of it and how often the provider was asked. */
async function asked(sdk: keyof Sdks, model: string, plan: string) {
  const id = randomUUID()
  const headers = { 'x-plan': plan, 'x-request-id': id }
  const ask = asking({ model, headers })[sdk]
  const status = await ask(sdks).then(
    () => 200,
    (error: unknown) => {
      assert.ok(error instanceof OpenAI.APIError || error instanceof Anthropic.APIError)
      return error.status
    },
  )
  return { status, tries: provider.of(id).length }
}

for (const sdk of sdkNames) {
  for (const plan of failures) {
    test(`${sdk}: a call tried in vain against ${plan} is not tried again by the SDK`, async () => {
      const { status, tries } = await asked(sdk, `vain-${plan}-${sdk}`, plan)
      assert.ok(status !== 200)
      // What will be the same at the next try has only one.
      assert.equal(tries, plan === '501' ? 1 : 5)
    })
  }

  for (const plan of unknown) {
    test(`${sdk}: ${plan} that is left unknown reaches the provider once`, async () => {
      const { status, tries } = await asked(sdk, `left-${plan}-${sdk}`, plan)
      assert.deepEqual([status !== 200, tries], [true, 1])
    })
  }

  for (const refusal of waits) {
    test(`${sdk}: a time of ${refusal} that no SDK keeps ends the call`, async () => {
      const seen = await asked(sdk, `late-${refusal}-${sdk}`, `${refusal}:90000 ok`)
      assert.deepEqual(seen, { status: Number(refusal), tries: 1 })
    })
  }
}

describe('a time beyond patience', { concurrency: true }, () => {
  for (const sdk of sdkNames) {
    for (const refusal of waits) {
      test(`${sdk}: the SDK waits as ${refusal} says, and is answered`, async () => {
        const seen = await asked(sdk, `soon-${refusal}-${sdk}`, `${refusal}:3500 ok`)
        assert.deepEqual(seen, { status: 200, tries: 2 })
      })
    }
  }
})
