import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { codeIn, say } from './client.ts'
import { PassthroughStage, type TenantName } from './passthrough-stage.ts'

const chatAnswer = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'test-model',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
})

const responsesAnswer = JSON.stringify({
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'test-model',
  output: [],
  usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
})

const user = (content: unknown) => [{ role: 'user', content }]

describe('what a question names in the account of a provider', { concurrency: 1 }, () => {
  let stage: PassthroughStage

  before(async () => {
    stage = await PassthroughStage.start()
  })
  after(async () => stage?.close())

  const ask = async (tenant: TenantName, path: string, body: string | object) => {
    const response = await fetch(stage.url(tenant) + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, text: await response.text() }
  }
  const answers = (text: string) => {
    stage.provider.reply = { type: 'application/json', pieces: [text] }
  }

  const file = { type: 'file', file: { file_id: 'file-1' } }
  const named: readonly (readonly [why: string, body: object | string])[] = [
    ['a file', { model: 'same', messages: user([file]) }],
    ['sound', { model: 'same', messages: [{ role: 'assistant', audio: { id: 'audio-1' } }] }],
    [
      'a file under an escaped key',
      '{"model":"same","messages":[{"role":"user","content":[{"type":"file","file":{"\\u0066ile_id":"file-1"}}]}]}',
    ],
    [
      'a file behind a long text',
      { model: 'same', messages: user([{ type: 'text', text: 'x'.repeat(700_000) }, file]) },
    ],
  ]
  for (const [why, body] of named) {
    test(`a chat that names ${why} is for who owns a key`, async () => {
      answers(chatAnswer)
      const asked = stage.provider.got.length
      const refused = await ask('team-b', '/v1/chat/completions', body)
      assert.equal(refused.status, 403, refused.text)
      assert.equal(codeIn(refused.text), 'stored-forbidden')
      assert.equal(stage.provider.got.length, asked)
      const answer = await ask('team-a', '/v1/chat/completions', body)
      assert.equal(answer.status, 200, answer.text)
      assert.equal(stage.provider.last.headers.authorization, 'Bearer key-of-team-a')
    })
  }

  for (const [why, body] of [
    ['an image', { model: 'same', prompt: 'bluer', images: [{ file_id: 'file-1' }] }],
    ['a mask', { model: 'same', prompt: 'bluer', images: [], mask: { file_id: 'file-1' } }],
  ] as const) {
    test(`a picture to be edited by ${why} that is stored is for who owns a key`, async () => {
      answers('{"created":1,"data":[]}')
      const asked = stage.provider.got.length
      const refused = await ask('team-b', '/v1/images/edits', body)
      assert.equal(refused.status, 403, refused.text)
      assert.equal(stage.provider.got.length, asked)
      assert.equal((await ask('team-a', '/v1/images/edits', body)).status, 200)
    })
  }

  test('the same words in a text, a schema or an argument name nothing', async () => {
    answers(chatAnswer)
    const text = '{"file_id": "file-1", "audio": {"id": "x"}, "container": "c"}'
    const schema = { type: 'object', properties: { file_id: { type: 'string' } } }
    const tools = [{ type: 'function', function: { name: 'f', parameters: schema } }]
    const answer = await ask('team-b', '/v1/chat/completions', {
      model: 'same',
      messages: user(text),
      audio: { voice: 'a', format: 'mp3' },
      metadata: { file_id: 'x' },
      tools,
    })
    assert.equal(answer.status, 200, answer.text)
  })

  test('a question of Messages that names a file or a container is refused without a key', async () => {
    const base = { model: 'claude', max_tokens: 1 }
    const source = { type: 'file', file_id: 'file_1' }
    const bodies = [
      { ...base, messages: user([{ type: 'document', source }]) },
      { ...base, messages: user([{ type: 'container_upload', file_id: 'file_1' }]) },
      {
        ...base,
        messages: user([{ type: 'tool_result', content: [{ type: 'image', source }] }]),
      },
      { ...base, messages: user('x'), container: 'container_1' },
      { ...base, messages: user('x'), container: { id: 'container_1' } },
    ]
    for (const body of bodies) {
      for (const path of ['/v1/messages', '/anthropic/v1/messages']) {
        const refused = await ask('team-a', path, body)
        assert.equal(refused.status, 403, refused.text)
        assert.equal(JSON.parse(refused.text).error.type, 'permission_error')
      }
    }
  })

  test('Responses of an owner name files, vector stores and containers as the provider has them', async () => {
    answers(responsesAnswer)
    const body = {
      model: 'same',
      input: user([{ type: 'input_file', file_id: 'file-1' }]),
      tools: [
        { type: 'file_search', vector_store_ids: ['vs_1'] },
        { type: 'code_interpreter', container: 'cntr_1' },
      ],
    }
    const answer = await ask('team-a', '/v1/responses', body)
    assert.equal(answer.status, 200, answer.text)
    const sent = JSON.parse(stage.provider.last.text)
    assert.deepEqual([sent.input, sent.tools], [body.input, body.tools])
    const refused = await ask('team-b', '/v1/responses', body)
    assert.equal(refused.status, 403, refused.text)
  })

  test('SDKs may call under their vendor’s name, and without a version', async () => {
    answers(chatAnswer)
    for (const base of ['', '/v1', '/openai', '/openai/v1']) {
      const baseURL = stage.url('team-b') + base
      const client = new OpenAI({ apiKey: 'x', baseURL, maxRetries: 0 })
      const chat = await client.chat.completions.create({
        model: 'same',
        messages: [{ role: 'user', content: 'x' }],
      })
      assert.equal(chat.choices[0]?.message.content, 'hi')
      assert.equal(stage.provider.last.url, '/v1/chat/completions')
      const models = await client.models.list()
      assert.ok(models.data.some(({ id }) => id === 'same'))
    }
    const baseURL = `${stage.url('team-b')}/anthropic`
    const client = new Anthropic({ apiKey: 'x', baseURL, maxRetries: 0 })
    const models = await client.models.list()
    assert.ok(models.data.some(({ id, type }) => id === 'claude' && type === 'model'))
  })

  test('the vendor’s name in a path decides the form of an answer, also of an early error', async () => {
    const get = async (path: string, headers = {}) => {
      const response = await fetch(stage.url('team-b') + path, { headers })
      return JSON.parse(await response.text())
    }
    assert.equal((await get('/anthropic/v1/models')).has_more, false)
    const version = { 'anthropic-version': '2023-06-01' }
    assert.equal((await get('/openai/v1/models', version)).object, 'list')
    assert.equal((await get('/anthropic/v1/nothing')).type, 'error')
    assert.equal((await get('/openai/v1/nothing', version)).type, undefined)
    const { port } = stage.sidecar('team-b')
    const broken = (path: string) =>
      say(port, `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n`)
    assert.match(await broken('/anthropic/v1/models'), /"type":"error"/)
    assert.match(await broken('/openai/v1/messages'), /\{"error":\{"message"/)
  })
})
