import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { type Pair, startPair } from './harness.ts'
import { ReplicaProcess } from './resume-servers.ts'

let replicas: ReplicaProcess[]
let pair: Pair

before(async () => {
  const options = ['--token-ms', '5', '--prefill-ms', '1', '--context-tokens-max', '2048']
  replicas = await Promise.all([0, 1].map(() => new ReplicaProcess(options).start()))
  pair = await startPair({
    provider: 0,
    pool: {
      replicas: { addresses: replicas.map(({ address }) => address) },
      retry: { attempts: 5 },
      resume: true,
    },
  })
})
after(async () => {
  await pair?.close()
  await Promise.all((replicas ?? []).map((replica) => replica.kill()))
})

test('a replica that is killed in the middle of an answer goes unnoticed by the official SDK', async () => {
  const baseURL = `http://127.0.0.1:${pair.port}/v1`
  const client = new OpenAI({ apiKey: 'own', baseURL, maxRetries: 0 })
  const { data, response } = await client.chat.completions
    .create({
      model: 'tiny',
      messages: [{ role: 'user', content: 'hello' }],
      max_tokens: 400,
      stream: true,
      stream_options: { include_usage: true },
    })
    .withResponse()
  const serving = response.headers.get('x-outrigger-replica')
  const ids = new Set<string>()
  const reasons: string[] = []
  let chunks = 0
  let tokens: (number | undefined)[] = []
  for await (const chunk of data) {
    ids.add(chunk.id)
    chunks++
    if (chunks === 20) await replicas.find(({ address }) => address === serving)?.kill()
    const [choice] = chunk.choices
    if (choice?.finish_reason) reasons.push(choice.finish_reason)
    const { usage } = chunk
    if (usage) tokens = [usage.completion_tokens, usage.total_tokens - usage.prompt_tokens]
  }
  assert.deepEqual([ids.size, reasons], [1, ['length']])
  // A bound for both parts; a space at the break may have been said twice.
  const [completion = 0, rest] = tokens
  assert.equal(completion, rest)
  assert.ok(completion >= 400 && completion <= 402, String(completion))
  const { ambassador, sidecar } = await pair.linesOf(
    String(response.headers.get('x-outrigger-call')),
  )
  assert.deepEqual([ambassador['outcome'], ambassador['resumed']], ['ok', 1])
  assert.deepEqual([sidecar['outcome'], sidecar['outputTokens']], ['ok', completion])
})
