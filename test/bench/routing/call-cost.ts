import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Pair, startPair } from '../../pair/harness.ts'
import { cpuMs } from '../cpu.ts'
import { type Timed, timesOf } from './timed.ts'
import { bodyOf, conversation, keptOf } from './tokens-cost.ts'

/** What whole calls cost the ambassador's process: CPU, user and system, of all its threads, in ms. */
interface CallCost {
  readonly name: string
  readonly cpu: Timed
  /** How the calls were placed: `full` by exact ids, `bytes` by bytes where those came too late. */
  readonly tiers: string
}

const turns = 101
const rounds = { warm: 6, counted: 20 } as const

const chunk = (delta: object, reason: string | null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'tiny',
  choices: [{ index: 0, delta, finish_reason: reason }],
})
/** Without usage: a count of prompt tokens that is not the right one would end the trust in local ids. */
const answer = [
  chunk({ role: 'assistant', content: '' }, null),
  chunk({ content: 'Hello' }, null),
  chunk({ content: ' there' }, 'stop'),
]
  .map((event) => `data: ${JSON.stringify(event)}\n\n`)
  .concat('data: [DONE]\n\n')
  .join('')
const labels = 'engine="0",model_name="tiny"'
const metrics = `vllm:num_requests_running{${labels}} 0
vllm:num_requests_waiting{${labels}} 0
vllm:kv_cache_usage_perc{${labels}} 0
vllm:cache_config_info{engine="0",block_size="16",num_gpu_blocks="60000"} 1
`

/** Servers of this process, which is not measured: they compute nothing, and tell no tokens. */
async function startServers(count: number): Promise<readonly Server[]> {
  const servers = Array.from({ length: count }, () =>
    createServer((request, response) => {
      request.resume()
      request.on('end', () => {
        if (request.url === '/metrics') response.end(metrics)
        else if (request.url === '/version') response.end('{"version":"0.32.0"}')
        else if (request.url === '/health') response.end()
        else if (request.url !== '/v1/chat/completions') response.writeHead(404).end()
        else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(answer)
      })
    }).listen(0, '127.0.0.1'),
  )
  await Promise.all(servers.map((server) => once(server, 'listening')))
  return servers
}

function addressOf(server: Server): string {
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `http://127.0.0.1:${address.port}`
}

/**
 * Calls of about 100,000 prompt tokens, one after the other, through a sidecar and an ambassador: cold,
 * with 95 % of their prompt seen, and all seen. Without `folder`, of a model, bytes stand for tokens.
 */
export async function callCost(folder: string | undefined): Promise<readonly CallCost[]> {
  const servers = await startServers(2)
  const tokens =
    folder === undefined
      ? { source: 'bytes' }
      : { source: 'local', tokenizer: join(folder, 'tokenizer.json') }
  const addresses = servers.map(addressOf)
  const signals = { interval: '1s' }
  const pool = { replicas: { addresses, signals, health: { interval: '1h' } }, tokens }
  const pair = await startPair({ provider: 0, pool })
  try {
    await whenKnown(pair, folder === undefined ? undefined : 'local')
    return await measured(pair.port, pair.ambassador.pid)
  } finally {
    await pair.close()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  }
}

/** Until all have told of themselves, and tokens are made where they should be. */
async function whenKnown({ ambassador }: Pair, tokens: string | undefined): Promise<void> {
  for (;;) {
    const { pool } = JSON.parse((await ambassador.page('/statusz')).text)
    const isHeard = pool.replicas.every(({ ageMs }: { ageMs?: number }) => ageMs !== undefined)
    if (isHeard && (tokens === undefined || pool.tokens.chat === tokens)) return
    await pause(100)
  }
}

async function measured(port: number, pid: number): Promise<readonly CallCost[]> {
  const kinds = new Map<string, { readonly cpu: number[]; readonly tiers: string[] }>()
  for (const name of ['cold', '95 % seen', 'all seen']) kinds.set(name, { cpu: [], tiers: [] })
  for (let round = 0; round < rounds.warm + rounds.counted; round++) {
    const messages = conversation(round, turns)
    const whole = bodyOf(messages)
    const bodies = [bodyOf(messages.slice(0, keptOf(turns))), whole, whole]
    for (const [at, kind] of [...kinds.values()].entries()) {
      const before = cpuMs(pid)
      const tier = await ask(port, bodies[at] ?? whole)
      if (round < rounds.warm) continue
      kind.cpu.push(cpuMs(pid) - before)
      kind.tiers.push(tier)
    }
  }
  return Array.from(kinds, ([name, { cpu, tiers }]) => {
    const counts = [...new Set(tiers)].map((tier) => {
      return `${tier} ${tiers.filter((one) => one === tier).length}`
    })
    return { name, cpu: timesOf(cpu), tiers: counts.join(', ') }
  })
}

/** Reads the answer to its end; gives the tier. */
async function ask(port: number, body: Buffer): Promise<string> {
  const question = { ...JSON.parse(body.toString()), model: 'tiny', max_tokens: 4, stream: true }
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify(question),
  })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return response.headers.get('x-outrigger-pool-tier') ?? ''
}
