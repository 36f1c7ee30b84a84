import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, open, readUntil, tiny } from './client.ts'
import { readSample, sampleText, shapeOf, streamShape } from './sample.ts'

async function answer(port: number, name: string) {
  const sample = readSample(name)
  const body = sample.method === 'POST' ? { body: sample.requestText } : {}
  const seen = await ask(port, { path: sample.path, headers: sample.headers, ...body })
  return { sample, seen }
}

for (const name of ['chat', 'completion', 'messages', 'responses', 'tokenize_chat']) {
  test(`${name} has the recorded keys, types and order`, async (context) => {
    const { port } = await tiny(context)
    const { sample, seen } = await answer(port, name)
    assert.equal(seen.status, sample.status)
    assert.deepEqual(shapeOf(JSON.parse(seen.body)), shapeOf(JSON.parse(sample.body)))
    assert.equal(seen.headers['content-type'], 'application/json')
  })
}

for (const name of [
  'chat_stream_usage',
  'completion_stream',
  'messages_stream',
  'responses_stream',
]) {
  test(`${name} has the recorded events in the recorded order`, async (context) => {
    const { port } = await tiny(context)
    const { sample, seen } = await answer(port, name)
    assert.equal(seen.end, 'clean')
    assert.equal(seen.headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.deepEqual(streamShape(seen.body), streamShape(sample.body))
  })
}

const errors = [
  'err_model',
  'err_json',
  'err_content_type',
  'err_path',
  'err_method',
  'messages_error_model',
]
for (const name of [...errors, 'err_max_tokens_too_big']) {
  test(`${name} is refused with the recorded status and words`, async (context) => {
    const { port } = await tiny(context)
    const { sample, seen } = await answer(port, name)
    assert.equal(seen.status, sample.status)
    assert.equal(seen.body, sample.body.replace('tiny, tiny-alias', 'tiny').trimEnd())
  })
}

test('models has the recorded keys and types', async (context) => {
  const { port } = await tiny(context)
  const { sample, seen } = await answer(port, 'models')
  const recorded = JSON.parse(sample.body)
  recorded.data.length = 1
  assert.deepEqual(shapeOf(JSON.parse(seen.body)), shapeOf(recorded))
})

test('the answer id is the X-Request-Id of the call', async (context) => {
  const { port } = await tiny(context)
  assert.equal(JSON.parse((await answer(port, 'chat')).seen.body).id, 'chatcmpl-gw-req-1')
  assert.equal(JSON.parse((await answer(port, 'completion')).seen.body).id, 'cmpl-gw-req-3')
  assert.equal(JSON.parse((await answer(port, 'messages')).seen.body).id, 'chatcmpl-gw-req-5')
})

test('metrics has every recorded vllm series but that of LoRA, with the recorded labels', async (context) => {
  const { port } = await tiny(context, { blocks: 2_048 })
  const { body } = await ask(port, { path: '/metrics' })
  const series = (text: string) =>
    text
      .split('\n')
      .filter(
        (line) => line.startsWith('vllm:') && !/lora_requests|cache_config|_bucket/.test(line),
      )
      .map((line) => line.slice(0, line.lastIndexOf(' ')))
  const given = new Set(series(body))
  assert.deepEqual(
    series(sampleText('metrics')).filter((name) => !given.has(name)),
    [],
  )
  for (const part of ['block_size="32"', 'num_gpu_blocks="2048"', 'kv_cache_size_tokens="65536"']) {
    assert.ok(body.includes(part), part)
  }
  assert.match(
    body,
    /vllm:time_to_first_token_seconds_bucket\{engine="0",le="0.001",model_name="tiny"\}/,
  )
})

const question = { messages: [{ role: 'user', content: 'hello' }], max_tokens: 300, stream: true }

function recordedRefusal(part: string): string {
  const text = sampleText('full_burst_200_sse_error')
  const at = text.indexOf(part)
  return text.slice(text.indexOf('\n', at) + 1, text.indexOf('\n\n\n', at) + 2)
}

test('a refusal inside a 200 is the recorded one in chat and messages, and a cut in responses', async (context) => {
  const { port } = await tiny(context)
  const headers = { 'x-sim-fault': 'refuse-in-200' }
  const chat = await ask(port, { path: '/v1/chat/completions', body: question, headers })
  assert.deepEqual([chat.status, chat.end, chat.body], [200, 'clean', recordedRefusal('chat (200')])
  const messages = await ask(port, { path: '/v1/messages', body: question, headers })
  assert.deepEqual([messages.status, messages.end], [200, 'clean'])
  assert.equal(messages.body, recordedRefusal('m (200'))
  const responses = await ask(port, {
    path: '/v1/responses',
    body: { input: 'x', stream: true },
    headers,
  })
  assert.deepEqual([responses.status, responses.end], [200, 'broken'])
  assert.match(responses.body, /event: response.in_progress\ndata: .*\n\n$/)
  const unary = await ask(port, {
    path: '/v1/messages',
    body: { ...question, stream: false },
    headers,
  })
  assert.equal(unary.status, 503)
  assert.ok(sampleText('full_burst_200_sse_error').includes(unary.body))
})

/** The last events of a section of die_sigterm.txt, as a stream's text. */
function recordedDeath(section: string): string {
  const text = sampleText('die_sigterm')
  const part = text.slice(text.indexOf(`== ${section}\n`)).split('\n\n')[0] ?? ''
  return part
    .split('\n')
    .slice(2)
    .join('\n')
    .replace(/^(data: .*)$/gm, '$1\n')
}

test('closing makes live and queued calls look finished, as SIGTERM does', async (context) => {
  const replica = await tiny(context, { tokenMs: 1, runningMax: 3 })
  const live = { ...question, max_tokens: 1_000, stream_options: { include_usage: true } }
  const paths = ['/v1/chat/completions', '/v1/completions', '/v1/messages']
  const bodies = paths.map(async (path) => {
    const response = await open(replica.port, { path, body: { ...live, prompt: 'hello' } })
    const whole = new Promise<string>((resolve) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    })
    await readUntil(response, ' is')
    return { whole }
  })
  const streams = await Promise.all(bodies)
  const queued = ask(replica.port, { path: paths[0] ?? '', body: { ...question, stream: false } })
  while (replica.gauges().waiting === 0) await ask(replica.port, { path: '/health' })
  await replica.close()
  const [chat = '', completions = '', messages = ''] = await Promise.all(
    streams.map(({ whole }) => whole),
  )
  const tail = (body: string, count: number) => streamShape(body).slice(-count)
  assert.deepEqual(tail(chat, 3), streamShape(recordedDeath('chat')))
  assert.match(chat, /"finish_reason":"abort"/)
  assert.deepEqual(tail(completions, 3), streamShape(recordedDeath('completions')))
  const ended = messages.slice(messages.indexOf('event: content_block_stop'))
  const recorded = sampleText('die_sigterm').split('== messages\n')[1]?.split('\n\n')[0] ?? ''
  const blocks = recorded
    .split('\n')
    .slice(1)
    .join('\n')
    .replace(/^(data: .*)$/gm, '$1\n')
  assert.deepEqual(streamShape(ended), streamShape(blocks))
  assert.match(ended, /"stop_reason":null/)
  const { choices } = JSON.parse((await queued).body)
  assert.deepEqual([choices[0].message.content, choices[0].finish_reason], ['', 'abort'])
})
