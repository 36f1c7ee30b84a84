import { type IncomingMessage, request } from 'node:http'
import type { TestContext } from 'node:test'
import type { Clock } from '#deploy/simulator/clock.ts'
import type { ReplicaOptions } from '#deploy/simulator/options.ts'
import { type Replica, startReplica } from '#deploy/simulator/server.ts'
import type { ManualClock } from '../manual-clock.ts'

/** What a client saw of one answer. `end` is how its body ended. */
export interface Seen {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly end: 'clean' | 'broken'
  readonly code: string
}

/** A request of a test; a `body` that is no text is sent as JSON. */
export interface Asked {
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The clock of a replica whose time moves only when `manual` is told. */
export function replicaClock(manual: ManualClock): Clock {
  return {
    nowMs: manual.now,
    unixSeconds: () => Math.floor(manual.wall() / 1_000),
    after: manual.after,
  }
}

/** Turns the loop, which is that of the replica too, until `isThere`. */
export async function until(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Reads `response` to its end. */
export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** A replica named `tiny` that answers at once, closed after the test. */
export async function tiny(
  test: TestContext,
  given: Partial<ReplicaOptions> = {},
): Promise<Replica> {
  const quick = {
    prefillMs: 0,
    prefillTokenMs: 0,
    tokenMs: 0,
    model: 'tiny',
    // As the recorded server had it.
    blockTokens: 32,
    contextTokensMax: 2_048,
  }
  const replica = await startReplica({ ...quick, ...given })
  test.after(() => replica.close())
  return replica
}

/** Asks on a connection of its own. Gives the response with its body unread. */
export function open(port: number, asked: Asked): Promise<IncomingMessage> {
  const { path, body, headers } = asked
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const type = { 'content-type': 'application/json' }
    const options = {
      port,
      host: '127.0.0.1',
      path,
      method,
      agent: false,
      headers: { ...type, ...headers },
    }
    const sent = request(options, resolve)
    sent.on('error', reject)
    sent.end(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body))
  })
}

/** Asks and reads to the end, however that comes; status 0 where no head came. */
export async function ask(port: number, asked: Asked): Promise<Seen> {
  const none = { status: 0, headers: {}, body: '', end: 'broken' as const }
  let response: IncomingMessage
  try {
    response = await open(port, asked)
  } catch (error) {
    return { ...none, code: codeOf(error) }
  }
  const chunks: Buffer[] = []
  const head = { status: response.statusCode ?? 0, headers: response.headers }
  const body = () => Buffer.concat(chunks).toString('utf8')
  try {
    for await (const chunk of response) chunks.push(chunk)
    return { ...head, body: body(), end: 'clean', code: '' }
  } catch (error) {
    return { ...head, body: body(), end: 'broken', code: codeOf(error) }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Reads `response` until its text holds `text`, and leaves the rest unread. */
export function readUntil(response: IncomingMessage, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = ''
    response.on('error', reject)
    response.on('end', () => reject(new Error(`the body ended before "${text}"`)))
    response.on('data', (chunk: Buffer) => {
      seen += chunk.toString('utf8')
      if (seen.includes(text)) resolve(seen)
    })
  })
}
