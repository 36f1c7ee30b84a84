import assert from 'node:assert/strict'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import {
  APICallError,
  generateText,
  type LanguageModel,
  Output,
  stepCountIs,
  streamText,
  tool,
} from 'ai'
import { z } from 'zod'
import { type Client, pixel, pixelBytes, refused, type Stage } from './feature.ts'

const keyed = { apiKey: 'of-the-application' }

interface Flavour {
  readonly package: string
  readonly dialect: string
  readonly model: (stage: Stage, named?: string) => LanguageModel
}

async function loop(model: LanguageModel, names: readonly string[]): Promise<void> {
  const inputSchema = z.object({ city: z.string() })
  const tools = names.map((name) => [
    name,
    tool({ inputSchema, execute: async ({ city }) => `${name} of ${city}` }),
  ])
  const { text, steps } = streamText({
    model,
    prompt: 'use the tools',
    tools: Object.fromEntries(tools),
    stopWhen: stepCountIs(3),
  })
  const said = names.map((name) => `${name} of simulated`)
  for (const part of said) assert.ok((await text).includes(part), await text)
  assert.equal((await steps)[0]?.toolCalls.length, names.length)
}

/** https://ai-sdk.dev. It repeats by itself what looks temporary: `maxRetries`, 2 unless said otherwise. */
function aiSdk({ package: name, dialect, model }: Flavour): Client {
  const label = `${name} ${dialect}`
  const heard = async ({ provider }: Stage, text: string) => {
    const [call] = await provider.ended(text)
    assert.equal(call?.endedBy, 'caller')
  }
  return {
    package: name,
    dialect,
    notes: { retries: '`maxRetries: 0`' },
    features: {
      async stream(stage) {
        const { textStream, usage } = streamText({ model: model(stage), prompt: 'one two three' })
        const parts: string[] = []
        for await (const part of textStream) parts.push(part)
        assert.deepEqual([parts.length, parts.join('')], [5, 'You said one two three'])
        assert.deepEqual([(await usage).inputTokens, (await usage).outputTokens], [12, 7])
      },
      'tools loop': (stage) => loop(model(stage), ['weather']),
      'parallel tools': (stage) => loop(model(stage), ['weather', 'time']),
      async 'structured output'(stage) {
        const schema = z.object({ city: z.string() })
        const { output } = await generateText({
          model: model(stage),
          prompt: 'where?',
          output: Output.object({ schema }),
        })
        assert.deepEqual(output, { city: 'simulated' })
      },
      async vision(stage) {
        const content = [
          { type: 'text' as const, text: 'what is it?' },
          { type: 'image' as const, image: pixel, mediaType: 'image/png' },
        ]
        const { text } = await generateText({
          model: model(stage),
          messages: [{ role: 'user', content }],
        })
        assert.equal(text, `Images of ${pixelBytes} bytes`)
      },
      async abort(stage) {
        const text = `talk on and on to ${label}`
        const leaving = new AbortController()
        const { textStream } = streamText({
          model: model(stage),
          prompt: text,
          abortSignal: leaving.signal,
        })
        for await (const part of textStream) if (part !== '') leaving.abort()
        await heard(stage, text)
      },
      async timeout(stage) {
        const text = `hang for ${label}`
        const abortSignal = AbortSignal.timeout(300)
        await assert.rejects(generateText({ model: model(stage), prompt: text, abortSignal }))
        await heard(stage, text)
      },
      async retries(stage) {
        const text = `status 500 for ${label}`
        const asked = { model: model(stage), prompt: text, maxRetries: 0 }
        await assert.rejects(generateText(asked), APICallError)
        assert.equal((await stage.provider.ended(text)).length, stage.attempts)
      },
      async errors(stage) {
        for (const { model: named, text, status } of refused) {
          const asked = { model: model(stage, named), prompt: text, maxRetries: 0 }
          await assert.rejects(generateText(asked), (error) => {
            assert.ok(APICallError.isInstance(error))
            assert.equal(error.statusCode, status)
            return true
          })
        }
      },
    },
  }
}

export const aiSdkClients: readonly Client[] = [
  aiSdk({
    package: '@ai-sdk/openai',
    dialect: 'Chat Completions',
    model: ({ port }, named = 'assistant') =>
      createOpenAI({ ...keyed, baseURL: `http://127.0.0.1:${port}/v1` }).chat(named),
  }),
  aiSdk({
    package: '@ai-sdk/openai',
    dialect: 'Responses',
    model: ({ port }, named = 'assistant') =>
      createOpenAI({ ...keyed, baseURL: `http://127.0.0.1:${port}/v1` })(named),
  }),
  aiSdk({
    package: '@ai-sdk/anthropic',
    dialect: 'Messages',
    model: ({ port }, named = 'assistant') =>
      createAnthropic({ ...keyed, baseURL: `http://127.0.0.1:${port}/v1` })(named),
  }),
]
