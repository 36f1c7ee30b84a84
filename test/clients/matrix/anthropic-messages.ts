import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import { type Client, citySchema, pixel, pixelBytes, refused, type Stage } from './feature.ts'

const model = 'assistant'
const size = { model, max_tokens: 100 }

function clientOf({ port }: Stage): Anthropic {
  return new Anthropic({ apiKey: 'of-the-application', baseURL: `http://127.0.0.1:${port}` })
}

function user(content: string) {
  return [{ role: 'user' as const, content }]
}

async function loop(stage: Stage, names: readonly string[]): Promise<void> {
  const runner = clientOf(stage).beta.messages.toolRunner({
    ...size,
    stream: true,
    messages: user('use the tools'),
    tools: names.map((name) => ({
      type: 'custom' as const,
      name,
      input_schema: citySchema,
      parse: (value: unknown) => value as { city: string },
      run: ({ city }: { city: string }) => `${name} of ${city}`,
    })),
  })
  const { content } = await runner.runUntilDone()
  const [block] = content
  const said = names.map((name) => `${name} of simulated`).join(', ')
  assert.ok(block?.type === 'text')
  assert.equal(block.text, `The tools say: ${said}`)
}

const classes = {
  400: Anthropic.BadRequestError,
  403: Anthropic.PermissionDeniedError,
  404: Anthropic.NotFoundError,
  429: Anthropic.RateLimitError,
  500: Anthropic.InternalServerError,
}

/** https://github.com/anthropics/anthropic-sdk-typescript. */
export const anthropicMessages: Client = {
  package: '@anthropic-ai/sdk',
  dialect: 'Messages',
  features: {
    async stream(stage) {
      const stream = clientOf(stage).messages.stream({ ...size, messages: user('one two three') })
      const parts: string[] = []
      stream.on('text', (part) => parts.push(part))
      const { usage } = await stream.finalMessage()
      assert.deepEqual([parts.length, parts.join('')], [5, 'You said one two three'])
      assert.deepEqual([usage.input_tokens, usage.output_tokens], [8, 7])
    },
    'tools loop': (stage) => loop(stage, ['weather']),
    'parallel tools': (stage) => loop(stage, ['weather', 'time']),
    async 'structured output'(stage) {
      const answer = await clientOf(stage).messages.parse({
        ...size,
        messages: user('where?'),
        output_config: { format: { type: 'json_schema', schema: citySchema } },
      })
      const [block] = answer.content
      assert.ok(block?.type === 'text')
      assert.equal(block.text, '{"city":"simulated"}')
    },
    async vision(stage) {
      const source = { type: 'base64' as const, media_type: 'image/png' as const, data: pixel }
      const content = [
        { type: 'text' as const, text: 'what is it?' },
        { type: 'image' as const, source },
      ]
      const answer = await clientOf(stage).messages.create({
        ...size,
        messages: [{ role: 'user', content }],
      })
      const [block] = answer.content
      assert.ok(block?.type === 'text')
      assert.equal(block.text, `Images of ${pixelBytes} bytes`)
    },
    async abort(stage) {
      const text = 'talk on and on to anthropic'
      const stream = clientOf(stage).messages.stream({ ...size, messages: user(text) })
      stream.on('text', () => stream.abort())
      await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError)
      const [call] = await stage.provider.ended(text)
      assert.equal(call?.endedBy, 'caller')
    },
    async timeout(stage) {
      const text = 'hang for anthropic'
      const client = clientOf(stage).withOptions({ timeout: 300, maxRetries: 0 })
      await assert.rejects(
        client.messages.create({ ...size, messages: user(text) }),
        Anthropic.APIConnectionTimeoutError,
      )
      const [call] = await stage.provider.ended(text)
      assert.equal(call?.endedBy, 'caller')
    },
    async retries(stage) {
      const text = 'status 500 for anthropic'
      await assert.rejects(
        clientOf(stage).messages.create({ ...size, messages: user(text) }),
        Anthropic.InternalServerError,
      )
      assert.equal((await stage.provider.ended(text)).length, stage.attempts)
    },
    async errors(stage) {
      for (const { model: name, text, status } of refused) {
        const asked = { ...size, model: name, messages: user(text) }
        const client = clientOf(stage).withOptions({ maxRetries: 0 })
        await assert.rejects(client.messages.create(asked), classes[status])
      }
    },
  },
}
