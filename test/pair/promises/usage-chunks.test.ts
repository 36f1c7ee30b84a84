import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import type { Pair } from '../harness.ts'
import {
  aliases,
  asked,
  environmentOf,
  openaiPool,
  planned,
  series,
  startTaken,
  tokens,
} from './stage.ts'

const prompt_tokens = 9
const words = 12
const price = { input: '1', output: '2' }

/** The usage that stands in the chunk behind the `nth` word, or behind the last. */
type UsageAt = (nth: number) => object | null | undefined

const running = (nth: number) => ({
  prompt_tokens,
  completion_tokens: nth,
  total_tokens: prompt_tokens + nth,
})

/** Where providers put it; by model. */
const habits: Readonly<Record<string, UsageAt>> = {
  // vLLM's `continuous_usage_stats`, and proxies before it.
  every: running,
  // Groq and DeepSeek: with the reason of the end, in a chunk that has a choice.
  last: (nth) => (nth === words ? running(nth) : null),
  // Said again, in a chunk of its own.
  twice: (nth) => (nth >= words ? running(words) : undefined),
}

let server: Server
let pair: Pair

function chunkOf(model: string, nth: number, usage: object | null | undefined): string {
  const choice = {
    index: 0,
    delta: { content: 'word ' },
    finish_reason: nth === words ? 'stop' : null,
  }
  const choices = nth > words ? [] : [choice]
  const object = 'chat.completion.chunk'
  return `data: ${JSON.stringify({ id: 'x', object, created: 1, model, choices, usage })}\n\n`
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  if (request.method !== 'POST') {
    response.end('{}')
    return
  }
  const { model } = JSON.parse(text)
  const usageAt = habits[model]
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let nth = 1; nth <= words + (model === 'twice' ? 1 : 0); nth++) {
    response.write(chunkOf(model, nth, usageAt?.(nth)))
  }
  response.end('data: [DONE]\n\n')
}

before(async () => {
  server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { port } = address
  const names = Object.keys(habits)
  pair = await startTaken({
    provider: port,
    pool: openaiPool(port, [{ name: 'one' }], {
      prices: Object.fromEntries(names.map((name) => [name, price])),
    }),
    environment: environmentOf([{ name: 'one' }]),
    models: { tiny: undefined, assistant: undefined, ...aliases(names) },
    tenants: { local: { limits: [{ tokens: 1_000_000, per: 'month' }] } },
    sidecar: { count: { wait: '30s' } },
  })
})
after(async () => {
  await pair?.close()
  server?.closeAllConnections()
  server?.close()
})

async function sumOf(name: string, label: string): Promise<number> {
  const rows = [...(await series(pair.ambassador, name))]
  return rows.reduce((sum, [labels, value]) => sum + (labels.includes(label) ? value : 0), 0)
}

const accounts = () =>
  Promise.all([
    sumOf('outrigger_tenant_limit_used', '"tokens per'),
    sumOf('outrigger_ambassador_tokens_total', 'type="input"'),
    sumOf('outrigger_ambassador_tokens_total', 'type="output"'),
  ])

for (const name of Object.keys(habits)) {
  for (const isAsked of [false, true]) {
    // litellm#36168
    test(`T24: usage that comes by the habit '${name}' is settled once, asked for by the caller: ${isAsked}`, async () => {
      const before = await accounts()
      const body = isAsked ? { stream_options: { include_usage: true } } : {}
      const { line, body: text } = await asked(pair, planned(name, { stream: true, body }))
      assert.equal(text.match(/"word "/g)?.length, words)
      assert.deepEqual(tokens(line), { input: prompt_tokens, output: words, isMarked: false })
      const cost = (prompt_tokens + 2 * words) / 1_000_000
      assert.equal(Number(line['costUsd']).toFixed(9), cost.toFixed(9))
      const spent = (await accounts()).map((value, at) => value - (before[at] ?? 0))
      assert.deepEqual(spent, [prompt_tokens + words, prompt_tokens, words])
    })
  }
}
