import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** What every answer that comes whole is billed for. */
export const billed = { input: 9, output: 12 }

/** One call as it came. */
export interface Arrival {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** On the clock of this process. */
  readonly atMs: number
  /** When its refusal was written; undefined where there was none. */
  refusedMs: number | undefined
}

/** Lets the answers go on that wait for it. */
export interface Tap {
  /** Streams under way. */
  readonly running: number
  open(): void
}

/** A provider of OpenAI's dialect that does what each call's own header `x-plan` says. */
export interface PlannedProvider {
  readonly port: number
  readonly arrivals: readonly Arrival[]
  /** Those of the call with this `x-request-id`. */
  of(id: string): readonly Arrival[]
  /** What the plan `tapped` waits for. */
  readonly tap: Tap
  /** Refuses a key from here on, in words that quote it. */
  readonly refused: Map<string, number>
  close(): Promise<void>
}

/**
 * The steps of a plan stand behind one another, one for each attempt; the last one stays. `ok`,
 * `reset`, `silent` (never a head), `tapped` (one event, the rest once the tap is open), `cut` (three
 * events, then a reset), `STATUS`, `STATUS:MS` (with `retry-after-ms`), `quote` (400 with the key).
 */
export async function startPlanned(): Promise<PlannedProvider> {
  const arrivals: Arrival[] = []
  const refused = new Map<string, number>()
  const waiting = new Set<() => void>()
  const of = (id: string) => arrivals.filter(({ headers }) => headers['x-request-id'] === id)
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { headers } = request
    const body = await textOf(request)
    const arrival: Arrival = { headers, body, atMs: performance.now(), refusedMs: undefined }
    arrivals.push(arrival)
    const key = String(headers.authorization ?? headers['x-api-key']).replace('Bearer ', '')
    const steps = String(headers['x-plan'] ?? 'ok').split(' ')
    const nth = of(String(headers['x-request-id'])).length
    const planned = steps[Math.min(nth, steps.length) - 1] ?? 'ok'
    const step = refused.get(key)?.toString() ?? planned
    follow({ arrival, response, key, waiting, step })
  }
  const server = createServer((request, response) => {
    response.on('error', () => undefined)
    // Whether it is there at all is asked without a question.
    if (request.method === 'POST') void serve(request, response)
    else response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    arrivals,
    of,
    tap: {
      get running() {
        return waiting.size
      },
      open() {
        for (const go of waiting) go()
        waiting.clear()
      },
    },
    refused,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  request.on('error', () => undefined)
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(request, 'end')
  return Buffer.concat(chunks).toString('utf8')
}

interface Following {
  readonly arrival: Arrival
  readonly response: ServerResponse
  readonly key: string
  readonly step: string
  readonly waiting: Set<() => void>
}

function follow({ arrival, response, key, step, waiting }: Following): void {
  const streams = /"stream":\s*true/.test(arrival.body)
  const model = /"model":\s*"([^"]*)"/.exec(arrival.body)?.[1] ?? ''
  if (step === 'silent') return
  if (step === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  if (step === 'ok' && !streams) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(whole(model)))
    return
  }
  if (step === 'ok' || step === 'cut' || step === 'tapped') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const words = (count: number) => event(model, 'word ').repeat(count)
    if (step === 'cut') {
      response.write(words(3), () => response.socket?.resetAndDestroy())
      return
    }
    response.write(words(1))
    const rest = () => response.end(words(billed.output - 1) + lastEvents(model))
    if (step === 'ok') rest()
    else waiting.add(rest)
    response.on('close', () => waiting.delete(rest))
    return
  }
  refuse(arrival, response, step === 'quote' ? { status: 400, key } : { ...read(step), key })
}

function read(step: string): { status: number; waitMs?: number } {
  const [status, waitMs] = step.split(':').map(Number)
  return { status: status ?? 500, ...(waitMs === undefined ? {} : { waitMs }) }
}

interface Refusal {
  readonly status: number
  readonly waitMs?: number
  readonly key: string
}

/** As OpenAI says it of a wrong key, and not only of the end of one. */
function refuse(arrival: Arrival, response: ServerResponse, refusal: Refusal): void {
  const { status, waitMs, key } = refusal
  const wait = waitMs === undefined ? {} : { 'retry-after-ms': String(waitMs) }
  response.writeHead(status, { 'content-type': 'application/json', ...wait })
  const message = `Cannot: incorrect API key provided: ${key}`
  const error = { message, type: 'planned', param: null, code: null }
  arrival.refusedMs = performance.now()
  response.end(JSON.stringify({ error }))
}

const usage = {
  prompt_tokens: billed.input,
  completion_tokens: billed.output,
  total_tokens: billed.input + billed.output,
}

function whole(model: string) {
  const message = { role: 'assistant', content: 'one two three four' }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  return { id: 'x', object: 'chat.completion', created: 1, model, choices, usage }
}

function event(model: string, content: string): string {
  return chunk(model, { choices: [{ index: 0, delta: { content }, finish_reason: null }] })
}

function lastEvents(model: string): string {
  const end = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
  return `${chunk(model, end)}${chunk(model, { choices: [], usage })}data: [DONE]\n\n`
}

function chunk(model: string, more: object): string {
  const head = { id: 'x', object: 'chat.completion.chunk', created: 1, model }
  return `data: ${JSON.stringify({ ...head, ...more })}\n\n`
}
