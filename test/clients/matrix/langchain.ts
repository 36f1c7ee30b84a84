import assert from 'node:assert/strict'
import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import { z } from 'zod'
import { type Client, pixel, pixelBytes, refused, type Stage } from './feature.ts'

interface Options {
  readonly maxRetries?: number
  readonly model?: string
}

interface Flavour {
  readonly package: string
  readonly dialect: string
  readonly model: (stage: Stage, options?: Options) => BaseChatModel
}

async function loop(model: BaseChatModel, names: readonly string[]): Promise<void> {
  const schema = z.object({ city: z.string() })
  const tools = names.map((name) =>
    tool(({ city }) => `${name} of ${city}`, { name, description: name, schema }),
  )
  assert.ok(model.bindTools !== undefined)
  const bound = model.bindTools(tools)
  const question = new HumanMessage('use the tools')
  let first: AIMessageChunk | undefined
  for await (const chunk of await bound.stream([question])) {
    assert.ok(chunk instanceof AIMessageChunk)
    first = first === undefined ? chunk : first.concat(chunk)
  }
  const calls = first?.tool_calls ?? []
  assert.equal(calls.length, names.length)
  const results = await Promise.all(
    calls.map(async (call) => {
      const own = tools.find(({ name }) => name === call.name)
      const said: unknown = await own?.invoke({ ...call, type: 'tool_call' })
      assert.ok(said instanceof ToolMessage)
      return said
    }),
  )
  assert.ok(first !== undefined)
  const { text } = await bound.invoke([question, first, ...results])
  const said = names.map((name) => `${name} of simulated`).join(', ')
  assert.equal(text, `The tools say: ${said}`)
}

/** https://docs.langchain.com/oss/javascript. It repeats by itself: `maxRetries`, 6 unless said otherwise. */
function langchain({ package: name, dialect, model }: Flavour): Client {
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
        const parts: string[] = []
        const chunks: AIMessageChunk[] = []
        for await (const chunk of await model(stage).stream('one two three')) {
          assert.ok(chunk instanceof AIMessageChunk)
          if (chunk.text !== '') parts.push(chunk.text)
          chunks.push(chunk)
        }
        assert.deepEqual([parts.length, parts.join('')], [5, 'You said one two three'])
        const last = chunks.reduce((all, chunk) => all.concat(chunk))
        assert.ok(last.usage_metadata !== undefined)
        assert.equal(last.usage_metadata['output_tokens'], 7)
      },
      'tools loop': (stage) => loop(model(stage), ['weather']),
      'parallel tools': (stage) => loop(model(stage), ['weather', 'time']),
      async 'structured output'(stage) {
        const asked = model(stage).withStructuredOutput(z.object({ city: z.string() }))
        assert.deepEqual(await asked.invoke('where?'), { city: 'simulated' })
      },
      async vision(stage) {
        const url = `data:image/png;base64,${pixel}`
        const image = { type: 'image_url', image_url: { url } }
        const content = [{ type: 'text', text: 'what is it?' }, image]
        const { text } = await model(stage).invoke([new HumanMessage({ content })])
        assert.equal(text, `Images of ${pixelBytes} bytes`)
      },
      async abort(stage) {
        const text = `talk on and on to ${label}`
        const leaving = new AbortController()
        const read = async () => {
          const stream = await model(stage).stream(text, { signal: leaving.signal })
          for await (const chunk of stream) if (chunk.text !== '') leaving.abort()
        }
        await assert.rejects(read)
        await heard(stage, text)
      },
      async timeout(stage) {
        const text = `hang for ${label}`
        await assert.rejects(model(stage, { maxRetries: 0 }).invoke(text, { timeout: 300 }))
        await heard(stage, text)
      },
      async retries(stage) {
        const text = `status 500 for ${label}`
        await assert.rejects(model(stage, { maxRetries: 0 }).invoke(text))
        assert.equal((await stage.provider.ended(text)).length, stage.attempts)
      },
      async errors(stage) {
        for (const { model: named, text, status } of refused) {
          const asked = model(stage, { maxRetries: 0, model: named }).invoke(text)
          await assert.rejects(asked, { status })
        }
      },
    },
  }
}

const keyed = { model: 'assistant', apiKey: 'of-the-application' }

function openaiAt({ port }: Stage) {
  return { configuration: { baseURL: `http://127.0.0.1:${port}/v1` } }
}

export const langchainClients: readonly Client[] = [
  langchain({
    package: '@langchain/openai',
    dialect: 'Chat Completions',
    model: (stage, options) => new ChatOpenAI({ ...keyed, ...openaiAt(stage), ...options }),
  }),
  langchain({
    package: '@langchain/openai',
    dialect: 'Responses',
    model: (stage, options) =>
      new ChatOpenAI({ ...keyed, ...openaiAt(stage), ...options, useResponsesApi: true }),
  }),
  langchain({
    package: '@langchain/anthropic',
    dialect: 'Messages',
    model: (stage, options) =>
      new ChatAnthropic({
        ...keyed,
        anthropicApiUrl: `http://127.0.0.1:${stage.port}`,
        ...options,
      }),
  }),
]
