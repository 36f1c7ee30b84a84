import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { promptTokens, sentence, tokensOf } from '../ambassador/resume/model-server.ts'
import { type Pair, startPair } from './harness.ts'
import { type Plan, SentenceServer } from './resume-servers.ts'

const retry = { attempts: 5, budgetPercent: 100, budgetFloor: 100 }

const plan: Plan = { breaksAfter: undefined }
let servers: SentenceServer[]
let pair: Pair
let plain: Pair

before(async () => {
  // Who breaks five streams in a row is left out: the others must be enough.
  servers = await Promise.all([0, 1, 2, 3, 4, 5].map(() => new SentenceServer(plan).listen()))
  const replicas = { addresses: servers.map(({ address }) => address) }
  pair = await startPair({ provider: 0, pool: { replicas, retry, resume: true } })
  plain = await startPair({ provider: 0, pool: { replicas, retry } })
})
after(async () => {
  await pair?.close()
  await plain?.close()
  await Promise.all((servers ?? []).map((server) => server.close()))
})

function clientOf({ port }: Pair): OpenAI {
  return new OpenAI({ apiKey: 'own', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 })
}

const messages = [{ role: 'user' as const, content: 'Say it' }]
const streamed = { stream: true as const, stream_options: { include_usage: true } }

test('the official SDK sees one whole stream of chat, whatever event the replica breaks at', async () => {
  for (let events = 2; events <= 9; events++) {
    plan.breaksAfter = events
    const asking = clientOf(pair)
      .chat.completions.create({ model: 'tiny', messages, max_tokens: 100, ...streamed })
      .withResponse()
    const { data, response } = await asking
    let text = ''
    let roles = 0
    const ids = new Set<string>()
    const usages: (number | undefined)[][] = []
    for await (const chunk of data) {
      ids.add(`${chunk.id} ${chunk.created}`)
      const delta = chunk.choices[0]?.delta
      text += delta?.content ?? ''
      if (delta?.role !== undefined) roles++
      const { usage } = chunk
      if (usage) usages.push([usage.prompt_tokens, usage.completion_tokens])
    }
    const at = `${events} events`
    assert.deepEqual([text, roles, ids.size], [sentence, 1, 1], at)
    const [[prompt, completion] = []] = usages
    assert.deepEqual([usages.length, prompt], [1, promptTokens], at)
    assert.ok(Number(completion) - tokensOf(sentence) <= 2, `${at}: ${completion}`)
    const { ambassador, sidecar } = await pair.linesOf(
      String(response.headers.get('x-outrigger-call')),
    )
    assert.deepEqual([ambassador['outcome'], sidecar['outcome']], ['ok', 'ok'], at)
    assert.deepEqual(
      [ambassador['inputTokens'], ambassador['outputTokens']],
      [prompt, completion],
      at,
    )
    // Behind its last token a stream lacks nothing that needs a replica.
    assert.equal(ambassador['resumed'] ?? 0, Number(ambassador['attempts']) - 1, at)
    assert.equal(ambassador['resumed'], events < 9 ? 1 : undefined, at)
  }
})

test('the official SDK sees one whole completion', async () => {
  plan.breaksAfter = 3
  const body = { model: 'tiny', prompt: 'Say: ', max_tokens: 100, stream: true as const }
  const asking = clientOf(pair).completions.create(body)
  let text = ''
  let reason: string | null | undefined
  for await (const chunk of await asking) {
    text += chunk.choices[0]?.text ?? ''
    reason = chunk.choices[0]?.finish_reason
  }
  assert.deepEqual([text, reason], [sentence, 'stop'])
})

test('the trailer tells how often a stream has gone on', async () => {
  plan.breaksAfter = 3
  const url = `http://127.0.0.1:${pair.ambassador.port}/v1/chat/completions`
  const trailers = new Promise<NodeJS.Dict<string>>((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const asking = request(url, { method: 'POST', headers }, (response) => {
      response.on('end', () => resolve(response.trailers))
      response.resume()
    })
    asking.on('error', reject)
    asking.end(JSON.stringify({ model: 'tiny', messages, stream: true }))
  })
  assert.equal((await trailers)['x-outrigger-resumed'], '1')
})

test('without the key, and with tools, the SDK is told of the break', async () => {
  const tools = [{ type: 'function' as const, function: { name: 'f' } }]
  for (const [half, more] of [
    [plain, {}],
    [pair, { tools }],
  ] as const) {
    plan.breaksAfter = 4
    const asking = clientOf(half).chat.completions.create({
      model: 'tiny',
      messages,
      ...more,
      ...streamed,
    })
    let text = ''
    await assert.rejects(async () => {
      for await (const chunk of await asking) text += chunk.choices[0]?.delta.content ?? ''
    }, OpenAI.APIError)
    assert.ok(text !== '' && sentence.startsWith(text), text)
  }
})
