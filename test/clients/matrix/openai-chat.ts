import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { type Client, citySchema, pixel, pixelBytes, type Stage } from './feature.ts'
import { openaiErrors } from './openai-errors.ts'

const model = 'assistant'

function clientOf({ port }: Stage): OpenAI {
  return new OpenAI({ apiKey: 'of-the-application', baseURL: `http://127.0.0.1:${port}/v1` })
}

function user(content: string) {
  return [{ role: 'user' as const, content }]
}

function tool(name: string) {
  return { type: 'function' as const, function: { name, parameters: citySchema } }
}

async function loop(stage: Stage, names: readonly string[]): Promise<void> {
  const runner = clientOf(stage).chat.completions.runTools({
    model,
    stream: true,
    messages: user('use the tools'),
    tools: names.map((name) => ({
      type: 'function' as const,
      function: {
        name,
        description: name,
        parameters: citySchema,
        parse: (text: string): { city: string } => JSON.parse(text),
        function: ({ city }: { city: string }) => `${name} of ${city}`,
      },
    })),
  })
  const said = await runner.finalContent()
  assert.equal(said, `The tools say: ${names.map((name) => `${name} of simulated`).join(', ')}`)
}

/** https://github.com/openai/openai-node, its chat completions. */
export const openaiChat: Client = {
  package: 'openai',
  dialect: 'Chat Completions',
  features: {
    async stream(stage) {
      const stream = clientOf(stage).chat.completions.stream({
        model,
        messages: user('one two three'),
        stream_options: { include_usage: true },
      })
      const parts: string[] = []
      stream.on('content', (part) => parts.push(part))
      const { usage } = await stream.finalChatCompletion()
      assert.deepEqual([parts.length, parts.join('')], [5, 'You said one two three'])
      assert.deepEqual([usage?.prompt_tokens, usage?.completion_tokens], [12, 7])
    },
    'tools loop': (stage) => loop(stage, ['weather']),
    async 'parallel tools'(stage) {
      await loop(stage, ['weather', 'time'])
      const answer = await clientOf(stage).chat.completions.create({
        model,
        messages: user('use the tools'),
        tools: [tool('weather'), tool('time')],
      })
      assert.equal(answer.choices[0]?.message.tool_calls?.length, 2)
    },
    async 'structured output'(stage) {
      const answer = await clientOf(stage).chat.completions.parse({
        model,
        messages: user('where?'),
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'place', schema: citySchema, strict: true },
        },
      })
      assert.equal(answer.choices[0]?.message.content, '{"city":"simulated"}')
    },
    async vision(stage) {
      const url = `data:image/png;base64,${pixel}`
      const content = [
        { type: 'text' as const, text: 'what is it?' },
        { type: 'image_url' as const, image_url: { url } },
      ]
      const messages = [{ role: 'user' as const, content }]
      const answer = await clientOf(stage).chat.completions.create({ model, messages })
      assert.equal(answer.choices[0]?.message.content, `Images of ${pixelBytes} bytes`)
    },
    async abort(stage) {
      const text = 'talk on and on to openai chat'
      const stream = await clientOf(stage).chat.completions.create({
        model,
        messages: user(text),
        stream: true,
      })
      for await (const chunk of stream) {
        if ((chunk.choices[0]?.delta.content ?? '') !== '') stream.controller.abort()
      }
      const [call] = await stage.provider.ended(text)
      assert.equal(call?.endedBy, 'caller')
    },
    async timeout(stage) {
      const text = 'hang for openai chat'
      const client = clientOf(stage).withOptions({ timeout: 300, maxRetries: 0 })
      await assert.rejects(
        client.chat.completions.create({ model, messages: user(text) }),
        OpenAI.APIConnectionTimeoutError,
      )
      const [call] = await stage.provider.ended(text)
      assert.equal(call?.endedBy, 'caller')
    },
    async retries(stage) {
      const text = 'status 500 for openai chat'
      await assert.rejects(
        clientOf(stage).chat.completions.create({ model, messages: user(text) }),
        OpenAI.InternalServerError,
      )
      assert.equal((await stage.provider.ended(text)).length, stage.attempts)
    },
    errors: (stage) =>
      openaiErrors(({ model: name, text }) =>
        clientOf(stage).chat.completions.create(
          { model: name, messages: user(text) },
          { maxRetries: 0 },
        ),
      ),
  },
}
