import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCall } from '#ambassador/new-call.ts'
import { capture } from '#ambassador/telemetry/capture/capture.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { type Body, bytesBody, readBody } from '#shared/http/body.ts'
import { genAi } from '#shared/telemetry/gen-ai.ts'
import { type AttributeValue, type CallSpan, noSpan } from '#shared/telemetry/tracing.ts'
import { manualClock } from '#test/manual-clock.ts'
import { chatRequest } from '../../chat-request.ts'

const tenants = {
  a: { capture: { redact: { patterns: ['ACC-####'] } } },
  b: {},
  c: { capture: { bytesMax: '1KiB' } },
}
const loaded = parseConfig(JSON.stringify({ tenants }), 'test')
assert.ok(loaded.ok)
const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
const { config } = loaded
const snapshot = { generation: 1, hash: '', config, secrets, since: 0, from: '' }
const layer = capture()

interface Asked {
  readonly tenant: string
  readonly path?: string
  readonly question: object
  readonly type?: string
  readonly body: Body
  readonly isRecording?: boolean
}

/** What one call leaves in its span. */
async function captured(asked: Asked) {
  const attributes: Record<string, AttributeValue | undefined> = {}
  const span: CallSpan = {
    ...noSpan,
    isRecording: asked.isRecording ?? true,
    set: (key, value) => {
      attributes[key] = value
    },
  }
  const call = newCall({
    cancellation: new Cancellation(),
    clock: manualClock(),
    provider: 'p',
    snapshot,
    tokens: undefined,
  })
  const surface = surfaceOf(asked.path ?? '/v1/chat/completions')
  Object.assign(call, { tenant: asked.tenant, surface, span })
  const headers = ['content-type', asked.type ?? 'application/json']
  const answer = { status: 200, headers, body: asked.body }
  const request = chatRequest(Buffer.from(JSON.stringify(asked.question)))
  const response = await layer(async () => answer)(request, call)
  const bytes = await readBody(response.body, 2 ** 24)
  return { attributes, text: bytes?.toString() }
}

const json = (value: object) => bytesBody(Buffer.from(JSON.stringify(value)))
const events = (values: readonly object[]) => {
  const pieces = values.map((value) => Buffer.from(`data: ${JSON.stringify(value)}\n\n`))
  return {
    pipe(sink: Parameters<Body['pipe']>[0]) {
      for (const piece of pieces) sink.write(piece)
      sink.end()
    },
    resume() {},
    cancel() {},
  }
}
const question = { messages: [{ role: 'user', content: 'canary-question ACC-1234' }] }
const answered = {
  choices: [
    { index: 0, message: { role: 'assistant', content: 'canary-answer' }, finish_reason: 'stop' },
  ],
}

test('a tenant’s words are in its span where the configuration says so, redacted', async () => {
  const { attributes, text } = await captured({ tenant: 'a', question, body: json(answered) })
  assert.equal(text, JSON.stringify(answered))
  assert.deepEqual(attributes, {
    [genAi.inputMessages]: JSON.stringify([
      { role: 'user', parts: [{ type: 'text', content: 'canary-question [redacted]' }] },
    ]),
    [genAi.outputMessages]: JSON.stringify([
      {
        role: 'assistant',
        parts: [{ type: 'text', content: 'canary-answer' }],
        finish_reason: 'stop',
      },
    ]),
  })
})

test('another tenant’s words are not, nor those of a tenant nobody knows', async () => {
  for (const tenant of ['b', 'none', '']) {
    const { attributes } = await captured({ tenant, question, body: json(answered) })
    assert.deepEqual(attributes, {}, tenant)
  }
})

test('a call that nobody has chosen is not captured, though it may be kept for its failure', async () => {
  const asked = { tenant: 'a', question, body: json(answered), isRecording: false }
  assert.deepEqual((await captured(asked)).attributes, {})
})

test('a stream of each dialect is one text', async () => {
  const chat = await captured({
    tenant: 'a',
    question,
    type: 'text/event-stream',
    body: events([
      { choices: [{ index: 0, delta: { role: 'assistant', content: 'one ' } }] },
      { choices: [{ index: 0, delta: { content: 'two' } }] },
      {
        choices: [
          {
            index: 0,
            delta: {
              tool_calls: [
                { index: 0, id: 't', function: { name: 'f', arguments: '{"password"' } },
              ],
            },
          },
        ],
      },
      {
        choices: [
          {
            index: 0,
            delta: { tool_calls: [{ index: 0, function: { arguments: ':"x"}' } }] },
            finish_reason: 'tool_calls',
          },
        ],
      },
    ]),
  })
  assert.deepEqual(JSON.parse(String(chat.attributes[genAi.outputMessages])), [
    {
      role: 'assistant',
      parts: [
        { type: 'text', content: 'one two' },
        { type: 'tool_call', id: 't', name: 'f', arguments: { password: '[redacted]' } },
      ],
      finish_reason: 'tool_calls',
    },
  ])
  const messages = await captured({
    tenant: 'a',
    path: '/v1/messages',
    question: { system: 'be brief', ...question },
    type: 'text/event-stream',
    body: events([
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'one two' } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
    ]),
  })
  assert.deepEqual(JSON.parse(String(messages.attributes[genAi.outputMessages])), [
    { role: 'assistant', parts: [{ type: 'text', content: 'one two' }], finish_reason: 'end_turn' },
  ])
  assert.equal(
    messages.attributes[genAi.systemInstructions],
    '[{"type":"text","content":"be brief"}]',
  )
})

test('what is captured stays within its size and is JSON, and the last message goes first', async () => {
  const messages = Array.from({ length: 50 }, (_, at) => ({
    role: 'user',
    content: `${at} ${'\u0001"'.repeat(100)}`,
  }))
  const { attributes } = await captured({
    tenant: 'c',
    question: { messages },
    body: json({ choices: [{ message: { content: 'x'.repeat(5_000) } }] }),
  })
  const input = String(attributes[genAi.inputMessages])
  const output = String(attributes[genAi.outputMessages])
  assert.ok(input.length <= 1_200 && output.length <= 1_200, `${input.length} ${output.length}`)
  assert.ok(JSON.parse(input).at(-1).parts[0].content.startsWith('49 '))
  assert.equal(JSON.parse(output)[0].parts[0].content[0], 'x')
  assert.equal(attributes[genAi.captureCut], true)
})

test('pictures are named and left out', async () => {
  const content = [
    { type: 'text', text: 'look' },
    { type: 'image_url', image_url: { url: 'data:canary' } },
  ]
  const { attributes } = await captured({
    tenant: 'a',
    question: { messages: [{ role: 'user', content }] },
    body: json(answered),
  })
  assert.deepEqual(JSON.parse(String(attributes[genAi.inputMessages])), [
    { role: 'user', parts: [{ type: 'text', content: 'look' }, { type: 'image_url' }] },
  ])
})
