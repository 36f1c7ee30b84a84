import { createServer, type ServerResponse } from 'node:http'
import * as v from 'valibot'
import { listen, say } from './child.ts'
import { Latencies } from './latencies.ts'
import { readWish, unaryAnswer } from './mock-wire.ts'
import { type ProviderOrder, type ProviderReply, providerOrderSchema } from './strain-messages.ts'
import { limitHeaders } from './wide-limits.ts'

/** A provider that serves, holds or refuses, as it is told. Below `/told` it tells its limits. */
const arrivals = new Latencies()
const held = new Set<() => void>()
let order: Exclude<ProviderOrder, { say: 'count' }> = { say: 'serve' }
let orderedMs = performance.now()
let arrived = 0
let refused = 0

const refusal = Buffer.from(
  JSON.stringify({
    error: {
      message: 'Rate limit reached for gpt-4o in organization org-bench on requests per min (RPM)',
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    },
  }),
)
const json = ['content-type', 'application/json']

/** Undefined where the call is to be answered. */
function refusalMs(): number | undefined {
  if (order.say !== 'refuse') return undefined
  const leftMs = orderedMs + order.ms - performance.now()
  // Evenly spread: the same share of any hundred calls.
  const isDue = Math.floor(arrived * order.share) > Math.floor((arrived - 1) * order.share)
  return leftMs > 0 && isDue ? leftMs : undefined
}

function refuse(response: ServerResponse, leftMs: number): void {
  refused++
  const seconds = String(Math.ceil(leftMs / 1_000))
  const headers = [...json, 'content-length', String(refusal.length), 'retry-after', seconds]
  response.writeHead(429, headers).end(refusal)
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    arrived++
    arrivals.add(performance.now() - orderedMs)
    const leftMs = refusalMs()
    if (leftMs !== undefined) {
      refuse(response, leftMs)
      return
    }
    const answer = () => {
      const body = unaryAnswer(readWish(Buffer.concat(chunks)).bytes)
      const told = request.url?.startsWith('/told') === true ? limitHeaders : []
      const length = String(Buffer.byteLength(body))
      response.writeHead(200, [...json, 'content-length', length, ...told]).end(body)
    }
    if (order.say !== 'hold') {
      answer()
      return
    }
    held.add(answer)
    response.once('close', () => held.delete(answer))
  })
})
server.keepAliveTimeout = 120_000
// Node's default of five minutes would end a call that is held for as long.
server.requestTimeout = 0

function obey(message: unknown): void {
  const next = v.parse(providerOrderSchema, message)
  if (next.say !== 'count') {
    order = next
    orderedMs = performance.now()
    arrivals.clear()
    refused = 0
  }
  if (next.say === 'serve') {
    const waiting = [...held]
    held.clear()
    for (const answer of waiting) answer()
  }
  const reply: ProviderReply = { arrivals: arrivals.summary(), refused, held: held.size }
  say(reply)
}

process.on('message', obey)
say({ port: await listen(server) })
