import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { toFile } from 'openai'
import { passables } from '#shared/passthrough/passable.ts'
import { PassthroughStage } from './passthrough-stage.ts'

const sound = Buffer.from(Array.from({ length: 3_000 }, (_, at) => (at * 7) % 256))

describe('what passes as it is', { concurrency: 1 }, () => {
  let stage: PassthroughStage

  before(async () => {
    stage = await PassthroughStage.start()
  })
  after(async () => stage?.close())

  const json = (value: unknown, more: Record<string, string> = {}) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...more },
    body: JSON.stringify(value),
  })
  const ask = async (path: string, init: RequestInit, tenant: 'team-a' | 'team-b' = 'team-b') => {
    const response = await fetch(stage.url(tenant) + path, init)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  for (const { form, needs } of passables.filter(({ name }) => !/rerank|score/.test(name))) {
    if (needs !== 'model' || form === '/v1/ocr') continue
    test(`a question in JSON passes on ${form} with nothing but its model changed`, async () => {
      const question = { z: [1.0, '\u00fc'], model: 'assistant', input: 'x' }
      const sent = json(question, { 'x-request-id': 'mine' })
      const answer = await ask(`${form}?a=b%20c`, sent)
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.text, '{"ok":true}')
      assert.equal(answer.headers.get('x-request-id'), 'of-the-provider')
      const { last } = stage.provider
      assert.equal(last.url, `${form}?a=b%20c`)
      assert.equal(last.headers['content-type'], 'application/json')
      assert.equal(last.headers['x-request-id'], 'mine')
      assert.equal(last.headers.authorization, 'Bearer key-of-all')
      assert.deepEqual(JSON.parse(Buffer.from(last.text, 'latin1').toString()), {
        ...question,
        model: 'test-model',
      })
    })
  }

  test('a pool of vLLM is asked to rerank and to score', async () => {
    for (const path of ['/v1/rerank', '/v2/rerank', '/v1/score', '/rerank']) {
      const answer = await ask(path, json({ model: 'reranker', query: 'q', documents: ['d'] }))
      assert.equal(answer.status, 200, answer.text)
      const got = stage.vllm.got.findLast(({ method }) => method === 'POST')
      assert.match(got?.url ?? '', /^\/v[12]\/(?:rerank|score)$/)
      assert.equal(JSON.parse(got?.text ?? '').model, 'rerank-model')
    }
  })

  test('the official SDK asks for moderations, images, speech and transcriptions', async () => {
    const client = stage.openai('team-b')
    const { provider } = stage
    await client.moderations.create({ model: 'assistant', input: 'x' })
    assert.equal(provider.last.url, '/v1/moderations')
    const usage = { total_tokens: 9, input_tokens: 4, output_tokens: 5, input_tokens_details: {} }
    provider.reply = {
      type: 'application/json',
      pieces: [JSON.stringify({ data: [{ b64_json: 'x' }], usage })],
    }
    const image = await client.images.generate({ model: 'assistant', prompt: 'x' })
    assert.deepEqual(image.data, [{ b64_json: 'x' }])
    provider.reply = {
      type: 'audio/mpeg',
      pieces: [sound.subarray(0, 1_000), sound.subarray(1_000)],
    }
    const spoken = await client.audio.speech.create({ model: 'assistant', voice: 'a', input: 'x' })
    assert.deepEqual(Buffer.from(await spoken.arrayBuffer()), sound)
    assert.equal(spoken.headers.get('content-type'), 'audio/mpeg')
    provider.reply = { type: 'application/json', pieces: ['{"text":"hello"}'] }
    const file = await toFile(sound, 'sound.mp3')
    const heard = await client.audio.transcriptions.create({ file, model: 'assistant' })
    assert.equal(heard.text, 'hello')
    assert.match(provider.last.text, /name="model"\r\n\r\ntest-model\r\n/)
    assert.ok(provider.last.text.includes(sound.toString('latin1')))
    assert.equal(provider.last.headers['content-length'], String(provider.last.bytes))
    provider.reply = { type: 'application/json', pieces: ['{"ok":true}'] }
  })

  test('usage that an answer tells is charged, and its cost is not known', async () => {
    const usage = { total_tokens: 9, input_tokens: 4, output_tokens: 5 }
    stage.provider.reply = { type: 'application/json', pieces: [JSON.stringify({ usage })] }
    const answer = await ask('/v1/images/generations', json({ model: 'assistant', prompt: 'x' }))
    stage.provider.reply = { type: 'application/json', pieces: ['{"ok":true}'] }
    const call = answer.headers.get('x-outrigger-call')
    const line = await stage.ambassador.line((one) => one['call'] === call)
    assert.equal(line['inputTokens'], 4)
    assert.equal(line['outputTokens'], 5)
    assert.equal(line['tokensExact'], true)
    assert.equal(line['costUsd'], null)
    assert.equal(line['tenant'], 'team-b')
    const { text } = await stage.ambassador.page('/metrics')
    assert.match(text, /outrigger_\w*tokens_total\{[^}]*tenant="team-b"[^}]*\} /)
  })

  test('events pass byte for byte', async () => {
    const pieces = ['event: a\ndata: {"x":1}\n\n', 'data: {"y"', ':2}\n\n']
    stage.provider.reply = { type: 'text/event-stream', pieces }
    const asked = json({ model: 'assistant', input: 'x', stream_format: 'sse' })
    const answer = await ask('/v1/audio/speech', asked)
    stage.provider.reply = { type: 'application/json', pieces: ['{"ok":true}'] }
    assert.equal(answer.text, pieces.join(''))
  })

  test('a form of 84 MB passes while it is read, and its digest is that of what was sent', async () => {
    const block = Buffer.alloc(64 * 1024, 'sound\r\n--near')
    const blocks = 1_280
    const head = (name: string) => `--b\r\ncontent-disposition: form-data; name="${name}"`
    const hash = createHash('sha256')
    let bytes = 0
    const count = (chunk: Buffer) => {
      hash.update(chunk)
      bytes += chunk.length
      return chunk
    }
    async function* form() {
      yield count(Buffer.from(`${head('model')}\r\n\r\nsame\r\n`))
      yield count(Buffer.from(`${head('file')}; filename="a.mp3"\r\n\r\n`))
      for (let at = 0; at < blocks; at++) yield count(block)
      yield count(Buffer.from('\r\n--b--\r\n'))
    }
    let ahead = 0
    const listener = (got: { readonly bytes: number }) => {
      ahead = Math.max(ahead, bytes - got.bytes)
    }
    stage.provider.on('bytes', listener)
    const answer = await ask('/v1/audio/transcriptions', {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: form(),
      duplex: 'half',
    })
    stage.provider.off('bytes', listener)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(stage.provider.last.bytes, bytes)
    assert.equal(stage.provider.last.digest, hash.digest('hex'))
    // What neither the sender nor the provider has is in sockets, and no half has kept the form.
    assert.ok(ahead < bytes * 0.75, `${ahead} of ${bytes} bytes were on their way at once`)
  })

  test('a model behind a large file is named by the header, and held to it', async () => {
    const file = 'x'.repeat(240_000)
    const body = (model: string) =>
      `--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n${file}\r\n` +
      `--b\r\ncontent-disposition: form-data; name="model"\r\n\r\n${model}\r\n--b--\r\n`
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    const path = '/v1/audio/transcriptions'
    const unnamed = await ask(path, { method: 'POST', headers, body: body('assistant') })
    assert.equal(unnamed.status, 400)
    assert.match(unnamed.text, /x-outrigger-model-alias/)
    const alias = { ...headers, 'x-outrigger-model-alias': 'assistant' }
    const named = await ask(path, { method: 'POST', headers: alias, body: body('assistant') })
    assert.equal(named.status, 200, named.text)
    assert.match(stage.provider.last.text, /name="model"\r\n\r\ntest-model\r\n--b--/)
    // The rest of the form must not name what the tenant may not use.
    const other = await ask(path, { method: 'POST', headers: alias, body: body('forbidden') })
    assert.equal(other.status, 400, other.text)
  })

  test('a form that is broken, too large or of a forbidden model is refused', async () => {
    const path = '/v1/audio/transcriptions'
    const post = (body: string, type = 'multipart/form-data; boundary=b') =>
      ask(path, { method: 'POST', headers: { 'content-type': type }, body })
    const model = (name: string) =>
      `--b\r\ncontent-disposition: form-data; name="model"\r\n\r\n${name}\r\n`
    assert.equal((await post(`${model('assistant')}--b`)).status, 400)
    assert.equal((await post(model('assistant') + model('assistant'))).status, 400)
    assert.equal((await post('no form')).status, 400)
    assert.equal((await post(model('assistant'), 'multipart/form-data')).status, 400)
    assert.equal((await post(`${model('forbidden')}--b--\r\n`)).status, 403)
    assert.equal((await post(`${model('nobody')}--b--\r\n`)).status, 404)
    assert.equal((await post('')).status, 400)
  })

  test('a path or a method that is not listed is refused in words', async () => {
    const unknown = await ask('/v1/evals', json({ model: 'assistant' }))
    assert.equal(unknown.status, 404)
    assert.match(unknown.text, /there are \/v1\/chat\/completions/)
    const wrong = await ask('/v1/moderations', { method: 'GET' })
    assert.equal(wrong.status, 405)
    assert.match(wrong.text, /use POST/)
    const elsewhere = await ask('/v1/ocr', json({ model: 'assistant', document: {} }))
    assert.equal(elsewhere.status, 404)
    assert.match(elsewhere.text, /provider 'pool' has not/)
    for (const path of ['/v1/files/..%2fmodels', '/v1/files/%2e%2e', '/v1/files/a/b']) {
      assert.equal((await ask(path, { method: 'GET' })).status, 404, path)
    }
  })

  test('a body without a model is told of the header, which stands in for it', async () => {
    const none = await ask('/v1/moderations', json({ input: 'x' }))
    assert.equal(none.status, 400)
    assert.match(none.text, /x-outrigger-model-alias/)
    const named = { 'x-outrigger-model-alias': 'assistant' }
    const answer = await ask('/v1/moderations', json({ input: 'x' }, named))
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(JSON.parse(stage.provider.last.text), { model: 'test-model', input: 'x' })
    await ask('/v1/moderations', json({}, named))
    assert.deepEqual(JSON.parse(stage.provider.last.text), { model: 'test-model' })
  })
})
