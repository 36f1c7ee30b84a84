import assert from 'node:assert/strict'
import { after, before, describe, it, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { type Pair, startPair } from '../pair/harness.ts'
import { buildInferenceSim } from './build.ts'
import { type InferenceSim, startInferenceSim } from './inference-sim.ts'
import { poolOfInferenceSims } from './pool-of-inference-sims.ts'
import { type Relay, startRelay } from './relay.ts'

const peer = await buildInferenceSim()
const skip = peer.kind === 'absent' ? peer.reason : false

// A test, since totals do not count a suite that is skipped.
test('llm-d-inference-sim is built', { skip }, () => {
  assert.equal(peer.kind, 'built')
})

poolOfInferenceSims(peer)

const running = 'vllm:num_requests_running'

const messages = [{ role: 'user' as const, content: 'How are you today?' }]
const asked = { model: 'assistant', messages, max_tokens: 50 }
/** Goes on for 60 s where nobody leaves. */
const endless = { ...asked, max_tokens: 3_000, ignore_eos: true, stream: true as const }
const parameters = {
  type: 'object' as const,
  properties: { city: { type: 'string' } },
  required: ['city'],
}

/** What it fails with when told to, the status it gives, and its words. */
const failures = [
  ['rate_limit', 429, /Rate limit reached for tiny/],
  ['invalid_api_key', 401, /Incorrect API key provided/],
  ['context_length', 400, /maximum context length is/],
  ['invalid_request', 400, /missing required parameter 'model'/],
  ['model_not_found', 404, /'tiny-nonexistent' does not exist/],
  ['server_error', 503, /overloaded or not ready/],
] as const
const openaiClasses = {
  400: OpenAI.BadRequestError,
  401: OpenAI.AuthenticationError,
  404: OpenAI.NotFoundError,
  429: OpenAI.RateLimitError,
  503: OpenAI.InternalServerError,
}
const anthropicClasses = {
  400: Anthropic.BadRequestError,
  401: Anthropic.AuthenticationError,
  404: Anthropic.NotFoundError,
  429: Anthropic.RateLimitError,
  503: Anthropic.InternalServerError,
}

function failing(type: string) {
  return { 'failure-injection-rate': 100, 'failure-types': [type] }
}

describe('llm-d-inference-sim', { skip }, () => {
  let sim: InferenceSim
  let relay: Relay
  let pair: Pair
  let openai: OpenAI
  let anthropic: Anthropic

  before(async () => {
    assert.ok(peer.kind === 'built')
    sim = await startInferenceSim(peer.path)
    relay = await startRelay(sim.port)
    pair = await startPair({
      provider: relay.port,
      models: { stale: { targets: [{ provider: 'pool', model: 'no-such-model' }] } },
    })
    const origin = `http://127.0.0.1:${pair.port}`
    const of = { apiKey: 'of-the-application', maxRetries: 0 }
    openai = new OpenAI({ ...of, baseURL: `${origin}/v1` })
    anthropic = new Anthropic({ ...of, baseURL: origin })
  })

  after(async () => {
    await pair?.close()
    await relay?.close()
    await sim?.close()
  })

  describe('through the openai SDK', () => {
    it('answers', async () => {
      const answer = await openai.chat.completions.create(asked)
      assert.ok((answer.choices[0]?.message.content ?? '').length > 0)
      const { usage } = answer
      assert.ok(usage !== undefined && usage.prompt_tokens > 0 && usage.completion_tokens > 0)
      assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
    })

    it('streams with the usage that was asked for', async () => {
      const more = { stream: true as const, stream_options: { include_usage: true } }
      const stream = await openai.chat.completions.create({ ...asked, ...more })
      let text = ''
      let tokens = 0
      let reason: string | null | undefined
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        reason = chunk.choices[0]?.finish_reason ?? reason
        tokens = chunk.usage?.completion_tokens ?? tokens
      }
      assert.ok(text.length > 0 && tokens > 0)
      assert.match(reason ?? '', /^(stop|length)$/)
    })

    it('streams without usage where none was asked for, and the ambassador knows it', async () => {
      const call = openai.chat.completions.create({ ...asked, stream: true })
      const { data, response } = await call.withResponse()
      for await (const chunk of data) assert.ok(chunk.usage == null && chunk.choices.length > 0)
      const { ambassador } = await pair.linesOf(response.headers.get('x-outrigger-call') ?? '')
      assert.ok(Number(ambassador['outputTokens']) > 0, JSON.stringify(ambassador))
    })

    it('calls the tool that it was given', async () => {
      const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }]
      const body = { ...asked, tools, tool_choice: 'required' as const }
      const answer = await openai.chat.completions.create(body)
      const [call] = answer.choices[0]?.message.tool_calls ?? []
      assert.ok(call?.type === 'function')
      assert.equal(call.function.name, 'weather')
      assert.equal(typeof JSON.parse(call.function.arguments).city, 'string')
      let streamed = ''
      for await (const chunk of await openai.chat.completions.create({ ...body, stream: true })) {
        const [delta] = chunk.choices[0]?.delta.tool_calls ?? []
        streamed += delta?.function?.arguments ?? ''
      }
      assert.equal(typeof JSON.parse(streamed).city, 'string')
    })

    it('completes a prompt, whole and streamed', async () => {
      const body = { model: 'assistant', prompt: 'How are you today?', max_tokens: 50 }
      const whole = await openai.completions.create(body)
      assert.ok((whole.choices[0]?.text ?? '').length > 0)
      let text = ''
      for await (const chunk of await openai.completions.create({ ...body, stream: true })) {
        text += chunk.choices[0]?.text ?? ''
      }
      assert.ok(text.length > 0)
    })

    it('embeds', async () => {
      const input = ['one', 'two']
      const body = { model: 'assistant', input, dimensions: 8, encoding_format: 'float' as const }
      const answer = await openai.embeddings.create(body)
      assert.deepEqual(
        answer.data.map(({ embedding }) => embedding.length),
        [8, 8],
      )
      assert.ok(answer.usage.prompt_tokens > 0)
    })

    it('lists the models of the gateway, not its own', async () => {
      const ids: string[] = []
      for await (const model of openai.models.list()) ids.push(model.id)
      assert.deepEqual(ids, ['tiny', 'assistant', 'stale'])
    })

    // The simulator goes on to the end where a caller leaves (fasthttp does not tell it), so its
    // gauge shows that there was something to leave, and the connection that it was left.
    it('is left where the application leaves a stream', async () => {
      const left = relay.whenLeft()
      for await (const chunk of await openai.chat.completions.create(endless)) {
        assert.ok(chunk.choices.length > 0)
        break
      }
      await left
      assert.ok((await sim.metric(running)) > 0)
    })

    it('is left where the application leaves before the first token', async () => {
      const undo = await sim.configured({ 'time-to-first-token': '60s' })
      const before = await sim.metric(running)
      const left = relay.whenLeft()
      const controller = new AbortController()
      const call = openai.chat.completions.create(asked, { signal: controller.signal })
      const refused = assert.rejects(call, OpenAI.APIUserAbortError)
      await sim.whenMetric(running, before + 1)
      controller.abort()
      await Promise.all([refused, left])
      await undo()
    })

    it('has its own words for a model that it does not serve', async () => {
      await assert.rejects(
        openai.chat.completions.create({ ...asked, model: 'stale' }),
        (error) => {
          assert.ok(error instanceof OpenAI.NotFoundError)
          assert.match(error.message, /The model `no-such-model` does not exist/)
          return true
        },
      )
    })

    it('is never asked for a name that the gateway does not know', async () => {
      await assert.rejects(
        openai.chat.completions.create({ ...asked, model: 'nobody' }),
        (error) => {
          assert.ok(error instanceof OpenAI.NotFoundError)
          assert.equal(error.code, 'model-not-found')
          return true
        },
      )
    })

    for (const [type, status, inWords] of failures) {
      it(`fails with ${type} as ${status} in its own words`, async () => {
        const undo = await sim.configured(failing(type))
        for (const stream of [false, true]) {
          await assert.rejects(openai.chat.completions.create({ ...asked, stream }), (error) => {
            assert.ok(error instanceof openaiClasses[status])
            assert.equal(error.status, status)
            assert.match(error.message, inWords)
            return true
          })
        }
        await undo()
      })
    }
  })

  describe('through the @anthropic-ai/sdk SDK', () => {
    it('answers', async () => {
      const answer = await anthropic.messages.create(asked)
      const [block] = answer.content
      assert.ok(block?.type === 'text' && block.text.length > 0)
      assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0)
      assert.match(answer.stop_reason ?? '', /^(end_turn|max_tokens)$/)
    })

    it('streams', async () => {
      const stream = anthropic.messages.stream(asked)
      let text = ''
      stream.on('text', (part) => {
        text += part
      })
      const message = await stream.finalMessage()
      const [block] = message.content
      assert.ok(block?.type === 'text' && text.length > 0)
      assert.equal(block.text, text)
      assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0)
    })

    it('calls the tool that it was given', async () => {
      const tools = [{ name: 'weather', input_schema: parameters }]
      const body = { ...asked, tools, tool_choice: { type: 'any' as const } }
      const whole = await anthropic.messages.create(body)
      const streamed = await anthropic.messages.stream(body).finalMessage()
      for (const answer of [whole, streamed]) {
        assert.equal(answer.stop_reason, 'tool_use')
        const call = answer.content.find((block) => block.type === 'tool_use')
        assert.equal(call?.name, 'weather')
        assert.ok(typeof call.input === 'object' && call.input !== null && 'city' in call.input)
      }
    })

    it('is left where the application leaves a stream', async () => {
      const left = relay.whenLeft()
      const stream = await anthropic.messages.create(endless)
      for await (const event of stream) {
        if (event.type === 'content_block_delta') stream.controller.abort()
      }
      await left
      assert.ok((await sim.metric(running)) > 0)
    })

    for (const [type, status, inWords] of failures) {
      it(`fails with ${type} as ${status} in its own words`, async () => {
        const undo = await sim.configured(failing(type))
        for (const stream of [false, true]) {
          await assert.rejects(anthropic.messages.create({ ...asked, stream }), (error) => {
            assert.ok(error instanceof anthropicClasses[status])
            assert.equal(error.status, status)
            assert.match(error.message, inWords)
            return true
          })
        }
        await undo()
      })
    }
  })
})
