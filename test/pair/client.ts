import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export { type Asked, ask, open, readUntil, type Seen } from '../simulator/client.ts'

const messages = [{ role: 'user', content: 'hello' }]

/** One question in each dialect that streams; `done` is how its stream ends. */
export const questions = {
  chat: {
    path: '/v1/chat/completions',
    body: { model: 'tiny', messages, max_tokens: 5 },
    done: 'data: [DONE]',
  },
  completions: {
    path: '/v1/completions',
    body: { model: 'tiny', prompt: 'hello', max_tokens: 5 },
    done: 'data: [DONE]',
  },
  messages: {
    path: '/v1/messages',
    body: { model: 'tiny', messages, max_tokens: 5 },
    done: 'event: message_stop',
  },
  responses: {
    path: '/v1/responses',
    body: { model: 'tiny', input: 'hello', max_output_tokens: 5 },
    done: 'event: response.completed',
  },
} as const

export type Spoken = keyof typeof questions
export const spoken = ['chat', 'completions', 'messages'] as const satisfies readonly Spoken[]
/** With the one whose events are numbered and whose ids are sealed. */
export const allSpoken = [...spoken, 'responses'] as const

let count = 0

/** A question with an id of its own, by which the provider's call is found. */
export function question(
  dialect: Spoken,
  given: { readonly stream?: boolean; readonly fault?: string; readonly body?: object } = {},
) {
  const { path, body } = questions[dialect]
  const id = `test-${++count}`
  const fault = given.fault === undefined ? {} : { 'x-sim-fault': given.fault }
  return {
    id,
    path,
    body: { ...body, ...(given.stream === true ? { stream: true } : {}), ...given.body },
    headers: { 'x-request-id': id, ...fault },
  }
}

/** Code of an error body in either dialect. */
export function codeIn(text: string): unknown {
  return JSON.parse(text).error.code
}

/** A connection that says what it is told. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Sends `bytes` as they are, and gives all that comes back until the other side closes. */
export async function say(port: number, bytes: string | Buffer): Promise<string> {
  const socket = await dial(port)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}
