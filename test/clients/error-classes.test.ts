import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { Stages } from './matrix/stage.ts'

let stages: Stages

before(async () => {
  stages = await Stages.start()
})
after(() => stages?.close())

/**
 * What a provider says, and the class by which an application catches it. Not 429: its key is left alone
 * for a while, and the next call waits; the matrix of clients ends with one.
 */
const openaiClasses = [
  [400, OpenAI.BadRequestError],
  [404, OpenAI.NotFoundError],
  [409, OpenAI.ConflictError],
  [413, OpenAI.APIError],
  [422, OpenAI.UnprocessableEntityError],
  [500, OpenAI.InternalServerError],
  [503, OpenAI.InternalServerError],
] as const

const anthropicClasses = [
  [400, Anthropic.BadRequestError],
  [404, Anthropic.NotFoundError],
  [409, Anthropic.ConflictError],
  [413, Anthropic.APIError],
  [422, Anthropic.UnprocessableEntityError],
  [500, Anthropic.InternalServerError],
  [529, Anthropic.InternalServerError],
] as const

for (const [status, known] of openaiClasses) {
  for (const stream of [false, true]) {
    test(`openai: a provider's ${status} is of its class, streamed: ${stream}`, async () => {
      const baseURL = `http://127.0.0.1:${stages.openai.port}/v1`
      const client = new OpenAI({ baseURL, apiKey: 'of-the-application', maxRetries: 0 })
      const text = `status ${status} of chat, ${stream}`
      const isOfClass = (error: unknown) => {
        assert.ok(error instanceof known)
        assert.equal(error.status, status)
        return true
      }
      const messages = [{ role: 'user' as const, content: text }]
      const chat = { model: 'assistant', messages, stream }
      await assert.rejects(client.chat.completions.create(chat), isOfClass)
      const response = { model: 'assistant', input: `${text} in responses`, stream }
      await assert.rejects(client.responses.create(response), isOfClass)
    })
  }
}

for (const [status, known] of anthropicClasses) {
  for (const stream of [false, true]) {
    test(`anthropic: a provider's ${status} is of its class, streamed: ${stream}`, async () => {
      const baseURL = `http://127.0.0.1:${stages.anthropic.port}`
      const client = new Anthropic({ baseURL, apiKey: 'of-the-application', maxRetries: 0 })
      const messages = [{ role: 'user' as const, content: `status ${status} of messages` }]
      const asked = client.messages.create({ model: 'assistant', max_tokens: 64, messages, stream })
      await assert.rejects(asked, (error: unknown) => {
        assert.ok(error instanceof known)
        assert.equal(error.status, status)
        return true
      })
    })
  }
}
