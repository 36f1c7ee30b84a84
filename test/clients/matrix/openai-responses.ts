import assert from 'node:assert/strict'
import OpenAI from 'openai'
import type { ResponseInputItem } from 'openai/resources/responses/responses'
import { type Client, citySchema, pixel, pixelBytes, type Stage } from './feature.ts'
import { openaiErrors } from './openai-errors.ts'

const model = 'assistant'

function clientOf({ port }: Stage): OpenAI {
  return new OpenAI({ apiKey: 'of-the-application', baseURL: `http://127.0.0.1:${port}/v1` })
}

function tool(name: string) {
  return { type: 'function' as const, name, parameters: citySchema, strict: true }
}

/** As the documentation shows it: the items go back with what the tools said. */
async function loop(stage: Stage, names: readonly string[]): Promise<void> {
  const client = clientOf(stage)
  const tools = names.map(tool)
  const input: ResponseInputItem[] = [{ role: 'user', content: 'use the tools' }]
  const first = await client.responses.stream({ model, input, tools }).finalResponse()
  for (const item of first.output) {
    if (item.type !== 'function_call') continue
    const { city }: { city: string } = JSON.parse(item.arguments)
    const output = `${item.name} of ${city}`
    input.push(item, { type: 'function_call_output', call_id: item.call_id, output })
  }
  const second = await client.responses.create({ model, input, tools })
  const said = names.map((name) => `${name} of simulated`).join(', ')
  assert.equal(second.output_text, `The tools say: ${said}`)
}

/** https://github.com/openai/openai-node, its responses. */
export const openaiResponses: Client = {
  package: 'openai',
  dialect: 'Responses',
  features: {
    async stream(stage) {
      const stream = clientOf(stage).responses.stream({ model, input: 'one two three' })
      const parts: string[] = []
      stream.on('response.output_text.delta', ({ delta }) => parts.push(delta))
      const { usage } = await stream.finalResponse()
      assert.deepEqual([parts.length, parts.join('')], [5, 'You said one two three'])
      assert.deepEqual([usage?.input_tokens, usage?.output_tokens], [12, 7])
    },
    'tools loop': (stage) => loop(stage, ['weather']),
    'parallel tools': (stage) => loop(stage, ['weather', 'time']),
    async 'structured output'(stage) {
      const format = { type: 'json_schema' as const, name: 'place', schema: citySchema }
      const answer = await clientOf(stage).responses.parse({
        model,
        input: 'where?',
        text: { format: { ...format, strict: true } },
      })
      assert.equal(answer.output_text, '{"city":"simulated"}')
    },
    async vision(stage) {
      const url = `data:image/png;base64,${pixel}`
      const content = [
        { type: 'input_text' as const, text: 'what is it?' },
        { type: 'input_image' as const, image_url: url, detail: 'auto' as const },
      ]
      const answer = await clientOf(stage).responses.create({
        model,
        input: [{ role: 'user', content }],
      })
      assert.equal(answer.output_text, `Images of ${pixelBytes} bytes`)
    },
    async abort(stage) {
      const text = 'talk on and on to openai responses'
      const stream = await clientOf(stage).responses.create({ model, input: text, stream: true })
      for await (const event of stream) {
        if (event.type === 'response.output_text.delta') stream.controller.abort()
      }
      const [call] = await stage.provider.ended(text)
      assert.equal(call?.endedBy, 'caller')
    },
    async timeout(stage) {
      const text = 'hang for openai responses'
      const client = clientOf(stage).withOptions({ timeout: 300, maxRetries: 0 })
      await assert.rejects(
        client.responses.create({ model, input: text }),
        OpenAI.APIConnectionTimeoutError,
      )
      const [call] = await stage.provider.ended(text)
      assert.equal(call?.endedBy, 'caller')
    },
    async retries(stage) {
      const text = 'status 500 for openai responses'
      await assert.rejects(
        clientOf(stage).responses.create({ model, input: text }),
        OpenAI.InternalServerError,
      )
      assert.equal((await stage.provider.ended(text)).length, stage.attempts)
    },
    errors: (stage) =>
      openaiErrors(({ model: name, text }) =>
        clientOf(stage).responses.create({ model: name, input: text }, { maxRetries: 0 }),
      ),
  },
}
