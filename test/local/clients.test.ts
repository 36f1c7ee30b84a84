import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { type LocalSystem, launchReady } from './local-system.ts'

const messages = [{ role: 'user' as const, content: 'How are you?' }]
const asked = { model: 'assistant', messages, max_tokens: 5 }
const endless = { ...asked, max_tokens: 4_000, stream: true as const }
const schema = {
  type: 'object' as const,
  properties: { city: { type: 'string' } },
  required: ['city'],
}
/** The simulated servers hear it; nothing on the way takes it out. */
const under = (fault: string) => ({ headers: { 'x-sim-fault': fault } })

/** Calls that the three simulated servers of `system` work on. */
async function running({ port }: LocalSystem): Promise<number> {
  let sum = 0
  for (const at of [300, 301, 302]) {
    const answer = await fetch(`http://127.0.0.1:${port + at}/metrics`)
    const value = /^vllm:num_requests_running\S* (\S+)$/m.exec(await answer.text())?.[1]
    assert.ok(value !== undefined)
    sum += Number(value)
  }
  return sum
}

/** Resolves when they work on `count`; rejects after 30 s: long before an endless call has ended. */
async function untilRunning(system: LocalSystem, count: number): Promise<void> {
  const deadlineMs = performance.now() + 30_000
  let last = await running(system)
  while (last !== count) {
    if (performance.now() > deadlineMs) throw new Error(`${last} calls run, not ${count}`)
    last = await running(system)
  }
}

describe('the SDKs against npm start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'local-test-'))
  let system: LocalSystem
  let openai: OpenAI
  let anthropic: Anthropic

  before(async () => {
    system = await launchReady({ directory })
    const origin = `http://127.0.0.1:${system.port}`
    const of = { apiKey: 'of-the-application', maxRetries: 0 }
    openai = new OpenAI({ ...of, baseURL: `${origin}/v1` })
    anthropic = new Anthropic({ ...of, baseURL: origin })
  })

  after(async () => {
    system?.process.kill('SIGTERM')
    await system?.ended
    rmSync(directory, { recursive: true })
  })

  it('openai: a stream says what the whole answer says', async () => {
    let text = ''
    for await (const chunk of await openai.chat.completions.create({ ...asked, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? ''
    }
    assert.match(text, /^This is simulated text/)
    const whole = await openai.chat.completions.create(asked)
    assert.match(whole.choices[0]?.message.content ?? '', /^This is simulated text/)
    assert.equal(whole.usage?.completion_tokens, 5)
  })

  it('openai: a tool is passed on, called, and its result taken', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: schema } }]
    const body = { model: 'assistant', messages, tools, tool_choice: 'required' as const }
    const first = (await openai.chat.completions.create(body)).choices[0]?.message
    const [call] = first?.tool_calls ?? []
    assert.ok(first !== undefined && call?.type === 'function')
    assert.equal(call.function.name, 'weather')
    assert.ok('city' in JSON.parse(call.function.arguments))
    const result = { role: 'tool' as const, tool_call_id: call.id, content: 'sunny' }
    const second = await openai.chat.completions.create({
      ...asked,
      messages: [...messages, first, result],
    })
    assert.ok((second.choices[0]?.message.content ?? '').length > 0)
    let streamed = ''
    for await (const chunk of await openai.chat.completions.create({ ...body, stream: true })) {
      streamed += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? ''
    }
    assert.ok('city' in JSON.parse(streamed))
  })

  it('openai: an abort reaches the server', async () => {
    await untilRunning(system, 0)
    const stream = await openai.chat.completions.create(endless)
    for await (const chunk of stream) {
      assert.ok(chunk.choices.length > 0)
      assert.equal(await running(system), 1)
      stream.controller.abort()
    }
    await untilRunning(system, 0)
  })

  it('openai: errors are of its own classes', async () => {
    const create = (model: string, fault = '') =>
      openai.chat.completions.create({ ...asked, model }, fault === '' ? {} : under(fault))
    await assert.rejects(create('nobody'), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError)
      assert.equal(error.code, 'model-not-found')
      return true
    })
    // No key, no ambassador: its address does not answer.
    await assert.rejects(create('gpt-5'), OpenAI.InternalServerError)
    await assert.rejects(create(''), OpenAI.BadRequestError)
    await assert.rejects(create('assistant', 'status=429'), OpenAI.RateLimitError)
    await assert.rejects(create('assistant', 'status=500'), OpenAI.InternalServerError)
    const stream = await openai.chat.completions.create(
      { ...asked, stream: true },
      under('reset=3'),
    )
    const read = async () => {
      for await (const chunk of stream) assert.ok(chunk.choices.length > 0)
    }
    await assert.rejects(read, OpenAI.APIError)
  })

  it('anthropic: a stream says what the whole answer says', async () => {
    const stream = anthropic.messages.stream(asked)
    const [streamed] = (await stream.finalMessage()).content
    assert.ok(streamed?.type === 'text')
    assert.match(streamed.text, /^This is simulated text/)
    const whole = await anthropic.messages.create(asked)
    const [block] = whole.content
    assert.ok(block?.type === 'text')
    assert.match(block.text, /^This is simulated text/)
    assert.equal(whole.usage.output_tokens, 5)
  })

  it('anthropic: a tool is passed on, called, and its result taken', async () => {
    const tools = [{ name: 'weather', input_schema: schema }]
    const body = { ...asked, max_tokens: 100, tools, tool_choice: { type: 'any' as const } }
    const first = await anthropic.messages.create(body)
    const call = first.content.find((block) => block.type === 'tool_use')
    assert.ok(call !== undefined && call.name === 'weather')
    const result = { type: 'tool_result' as const, tool_use_id: call.id, content: 'sunny' }
    const second = await anthropic.messages.create({
      ...asked,
      messages: [
        ...messages,
        { role: 'assistant', content: [{ ...call }] },
        { role: 'user', content: [result] },
      ],
    })
    assert.equal(second.content[0]?.type, 'text')
    const streamed = await anthropic.messages.stream(body).finalMessage()
    assert.equal(streamed.stop_reason, 'tool_use')
  })

  it('anthropic: an abort reaches the server', async () => {
    await untilRunning(system, 0)
    const stream = await anthropic.messages.create(endless)
    let deltas = 0
    for await (const event of stream) {
      if (event.type !== 'content_block_delta') continue
      if (deltas++ === 0) assert.equal(await running(system), 1)
      stream.controller.abort()
    }
    await untilRunning(system, 0)
  })

  it('anthropic: errors are of its own classes', async () => {
    const create = (model: string, fault = '') =>
      anthropic.messages.create({ ...asked, model }, fault === '' ? {} : under(fault))
    await assert.rejects(create('nobody'), Anthropic.NotFoundError)
    await assert.rejects(create('claude-opus'), Anthropic.InternalServerError)
    await assert.rejects(create(''), Anthropic.BadRequestError)
    await assert.rejects(create('assistant', 'status=429'), Anthropic.RateLimitError)
    await assert.rejects(create('assistant', 'status=500'), Anthropic.InternalServerError)
    const stream = await anthropic.messages.create({ ...asked, stream: true }, under('reset=5'))
    const read = async () => {
      for await (const event of stream) assert.notEqual(event.type, 'message_stop')
    }
    await assert.rejects(read, Anthropic.APIError)
  })
})
