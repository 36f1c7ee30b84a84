import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { replicaDefaults } from '#deploy/simulator/options.ts'
import { tokenize } from '#deploy/simulator/tokens.ts'
import { ask, open, readUntil, textOf, tiny, until } from './client.ts'
import { eventsOf, sampleText } from './sample.ts'

const chat = '/v1/chat/completions'
const long = 'a long shared story about ships and their crews at sea. '.repeat(12)
const saying = (content: string) => ({ messages: [{ role: 'user', content }] })

test('equal seeds and prompts give equal text, other seeds another, and it says it is simulated', async (context) => {
  const [one, same, other] = await Promise.all([
    tiny(context),
    tiny(context),
    tiny(context, { seed: 2 }),
  ])
  const asked = { path: chat, body: saying('hello') }
  const texts = await Promise.all(
    [one, same, other].map(
      async ({ port }) => JSON.parse((await ask(port, asked)).body).choices[0].message.content,
    ),
  )
  assert.equal(texts[0], texts[1])
  assert.notEqual(texts[0], texts[2])
  assert.match(texts[0], /^This is simulated text from Outrigger's embedded vLLM pool\. /)
})

test('an answer ends by length at max_tokens, and by stop at the default of 64 tokens', async (context) => {
  const { port } = await tiny(context)
  const limited = JSON.parse(
    (await ask(port, { path: chat, body: { ...saying('x'), max_tokens: 7 } })).body,
  )
  assert.deepEqual(
    [limited.choices[0].finish_reason, limited.usage.completion_tokens],
    ['length', 7],
  )
  const free = JSON.parse((await ask(port, { path: chat, body: saying('x') })).body)
  assert.deepEqual([free.choices[0].finish_reason, free.usage.completion_tokens], ['stop', 64])
})

test('a stream has one chunk per token between its role and its usage', async (context) => {
  const { port } = await tiny(context)
  const body = {
    ...saying('x'),
    max_tokens: 5,
    stream: true,
    stream_options: { include_usage: true },
  }
  const events = eventsOf((await ask(port, { path: chat, body })).body)
  assert.equal(events.length, 1 + 5 + 1 + 1)
  assert.equal(events.at(-1)?.data, '[DONE]')
})

test('the next turn of a conversation finds the answer of the turn before in the cache', async (context) => {
  const { port } = await tiny(context)
  const first = JSON.parse(
    (await ask(port, { path: chat, body: { ...saying(long), max_tokens: 100 } })).body,
  )
  const answer = { role: 'assistant', content: first.choices[0].message.content }
  const messages = [...saying(long).messages, answer, { role: 'user', content: 'go on' }]
  const { usage } = JSON.parse((await ask(port, { path: chat, body: { messages } })).body)
  assert.ok(usage.prompt_tokens_details.cached_tokens > first.usage.prompt_tokens)
})

test('messages counts input without cached and created tokens, and their sum is the prompt', async (context) => {
  const { port } = await tiny(context)
  const body = { ...saying(long), max_tokens: 2 }
  const path = '/v1/messages?beta=true'
  const [first, second] = [await ask(port, { path, body }), await ask(port, { path, body })]
  const counted = await ask(port, { path: '/v1/messages/count_tokens', body })
  for (const seen of [first, second]) {
    const usage = JSON.parse(seen.body).usage
    const sum =
      usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens
    assert.equal(sum, JSON.parse(counted.body).input_tokens)
  }
  assert.ok(JSON.parse(second.body).usage.cache_read_input_tokens > 0)
})

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

test('a required tool is called with arguments its schema allows, whole and streamed, in three dialects', async (context) => {
  const { port } = await tiny(context)
  const wanted = { city: 'simulated' }
  const tools = [{ type: 'function', function: { name: 'weather', parameters } }]
  const body = { ...saying('x'), tools, tool_choice: 'required' }
  const whole = JSON.parse((await ask(port, { path: chat, body })).body).choices[0]
  assert.equal(whole.finish_reason, 'tool_calls')
  assert.equal(whole.message.tool_calls[0].function.name, 'weather')
  assert.deepEqual(JSON.parse(whole.message.tool_calls[0].function.arguments), wanted)
  const streamed = eventsOf((await ask(port, { path: chat, body: { ...body, stream: true } })).body)
  const deltas = streamed
    .filter(({ data }) => data !== '[DONE]')
    .map(({ data }) => JSON.parse(data).choices[0].delta)
  const parts = deltas
    .flatMap((delta) => delta.tool_calls ?? [])
    .map((call) => call.function.arguments)
  assert.deepEqual(JSON.parse(parts.join('')), wanted)

  const anthropic = {
    tools: [{ name: 'weather', input_schema: parameters }],
    tool_choice: { type: 'any' },
  }
  const message = { ...saying('x'), max_tokens: 100, ...anthropic }
  const used = JSON.parse((await ask(port, { path: '/v1/messages', body: message })).body)
  assert.equal(used.stop_reason, 'tool_use')
  assert.deepEqual(used.content[0].input, wanted)
  const events = eventsOf(
    (await ask(port, { path: '/v1/messages', body: { ...message, stream: true } })).body,
  )
  const inputs = events.map(({ data }) => JSON.parse(data).delta?.partial_json ?? '')
  assert.deepEqual(JSON.parse(inputs.join('')), wanted)

  const flat = [{ type: 'function', name: 'weather', parameters }]
  const response = { input: 'x', tools: flat, tool_choice: { type: 'function', name: 'weather' } }
  const output = JSON.parse((await ask(port, { path: '/v1/responses', body: response })).body)
    .output[0]
  assert.deepEqual([output.type, JSON.parse(output.arguments)], ['function_call', wanted])
})

test('embeddings are repeatable vectors of length one, as numbers or as base64 floats', async (context) => {
  const { port } = await tiny(context)
  const ask1 = async (format: string) => {
    const body = { input: ['tide', 'reef'], encoding_format: format }
    return JSON.parse((await ask(port, { path: '/v1/embeddings', body })).body)
  }
  const [plain, packed] = [await ask1('float'), await ask1('base64')]
  const vector: number[] = plain.data[0].embedding
  assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6)
  const bytes = Buffer.from(packed.data[0].embedding, 'base64')
  const unpacked = vector.map((_, at) => bytes.readFloatLE(at * 4))
  assert.deepEqual(unpacked, vector)
  assert.equal(bytes.length, vector.length * 4)
  assert.notDeepEqual(plain.data[1].embedding, vector)
  assert.ok(plain.usage.prompt_tokens > 0)
})

test('a client that leaves ends its generation and frees its place for the next in line', async (context) => {
  const replica = await tiny(context, { tokenMs: 1, runningMax: 1 })
  const body = { ...saying(long), max_tokens: 1_500, stream: true }
  const first = await open(replica.port, { path: chat, body })
  await readUntil(first, ' is')
  const second = await open(replica.port, { path: chat, body: { ...body, max_tokens: 2 } })
  assert.deepEqual([replica.gauges().running, replica.gauges().waiting], [1, 1])
  assert.ok(replica.gauges().cacheUsage > 0)
  // Gauges are those of the last step, and the second call has to be seen by one.
  const page = { path: '/metrics' }
  let shown = ''
  while (!shown.includes('vllm:num_requests_waiting{engine="0",model_name="tiny"} 1.0')) {
    shown = (await ask(replica.port, page)).body
  }
  assert.match(shown, /vllm:num_requests_running\{engine="0",model_name="tiny"\} 1\.0/)
  first.on('error', () => undefined)
  first.destroy()
  await readUntil(second, '[DONE]')
  await replica.whenIdle()
  const { generationTokens, ...gauges } = replica.gauges()
  assert.deepEqual(gauges, { running: 0, waiting: 0, cacheUsage: 0 })
  assert.ok(generationTokens < 1_500)
  assert.deepEqual(
    replica.calls().map(({ endedBy }) => endedBy),
    ['client-left', 'finished'],
  )
})

test('a reader that takes nothing stops no generating, and reads all of it later', async (context) => {
  // More than the buffers of a socket hold.
  const max = 30_000
  const replica = await tiny(context, { contextTokensMax: 2 * max, blocks: 8_192 })
  const body = {
    ...saying('x'),
    max_tokens: max,
    stream: true,
    stream_options: { include_usage: true },
  }
  const slow = await open(replica.port, { path: chat, body })
  const other = await ask(replica.port, { path: chat, body: saying('y') })
  assert.equal(other.status, 200)
  await until(() => replica.gauges().running === 0)
  const events = eventsOf(await textOf(slow)).slice(1, -1)
  const read = events.map(({ data }) => JSON.parse(data))
  assert.equal(read.at(-1).usage.completion_tokens, max)
  const text = read.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  assert.equal(tokenize(text).length, max)
})

test('a request that names no model is answered by the served one', async (context) => {
  const { port } = await tiny(context, { loras: ['sql'] })
  const seen = await ask(port, { path: chat, body: { ...saying('x'), max_tokens: 1 } })
  assert.equal(JSON.parse(seen.body).model, 'tiny')
})

test('idle connections are closed after 5.0 s, or as told', async (context) => {
  assert.equal(replicaDefaults.keepAliveMs, 5_000)
  const { port } = await tiny(context, { keepAliveMs: 20 })
  const socket = connect(port, '127.0.0.1')
  const closed = once(socket, 'end')
  socket.resume().write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n')
  await closed
  socket.destroy()
})

test('a load report comes with answers that are not streamed, in the recorded words', async (context) => {
  const { port } = await tiny(context)
  for (const name of ['json', 'text']) {
    const headers = { 'endpoint-load-metrics-format': name }
    const body = { ...saying('x'), max_tokens: 2 }
    const seen = await ask(port, { path: chat, headers, body })
    const recorded = /^endpoint-load-metrics: (.*)$/m.exec(sampleText(`chat_orca_${name}`))?.[1]
    // The call itself has just ended: its last step saw it.
    assert.equal(seen.headers['endpoint-load-metrics'], recorded)
    const streamed = await ask(port, { path: chat, headers, body: { ...body, stream: true } })
    assert.equal(streamed.headers['endpoint-load-metrics'], undefined)
  }
})

test('flags of the server hide cached tokens, KV metrics and load, and show times', async (context) => {
  const { port } = await tiny(context, {
    promptTokensDetails: false,
    kvMetrics: false,
    perRequestMetrics: true,
  })
  const body = { ...saying(long), max_tokens: 2 }
  const whole = JSON.parse((await ask(port, { path: chat, body })).body)
  assert.equal(whole.usage.prompt_tokens_details, null)
  assert.deepEqual(
    Object.keys(whole.metrics).filter((name) => /queue|first/.test(name)),
    ['time_to_first_token_ms', 'queue_time_ms'],
  )
  const streaming = { ...body, stream: true, stream_options: { include_usage: true } }
  const usage = eventsOf((await ask(port, { path: chat, body: streaming })).body).at(-2)?.data
  assert.doesNotMatch(usage ?? '', /prompt_tokens_details/)
  const message = JSON.parse((await ask(port, { path: '/v1/messages', body })).body)
  assert.equal(message.usage.input_tokens, whole.usage.prompt_tokens)
  const { body: shown } = await ask(port, { path: '/metrics' })
  assert.doesNotMatch(shown, /vllm:(kv_cache_usage_perc|cache_config_info|prefix_cache_hits)/)
  assert.equal((await ask(port, { path: '/load' })).body, '{"server_load":0}')
})

test('load counts what is accepted and not ended where the server tracks it', async (context) => {
  const replica = await tiny(context, { tokenMs: 60_000, serverLoad: true })
  const response = await open(replica.port, { path: chat, body: { ...saying('x'), stream: true } })
  assert.equal((await ask(replica.port, { path: '/load' })).body, '{"server_load":1}')
  response.on('error', () => undefined)
  response.destroy()
  await replica.whenIdle()
  assert.equal((await ask(replica.port, { path: '/load' })).body, '{"server_load":0}')
})
