import assert from 'node:assert/strict'
import { type Agent, request } from 'node:http'
import type { Asking, BodyCase, Wanted } from './bad-input-bodies.ts'

/** Where it is asked. */
interface Target {
  readonly port: number
  /** Kept connections: a refused body must not spoil the next question on its connection. */
  readonly agent: Agent
}

interface Answer {
  readonly status: number
  /** Its content type. */
  readonly type: string
  readonly text: string
}

/** Asks, and reads the answer to its end. */
export function post(
  to: Target,
  { path }: Asking,
  { body, headers }: Pick<BodyCase, 'body' | 'headers'>,
): Promise<Answer> {
  const sent = { 'content-type': 'application/json', ...headers, 'content-length': body.length }
  const options = { port: to.port, host: '127.0.0.1', path, method: 'POST', agent: to.agent }
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, headers: sent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Fails unless the answer is `wanted`, and an error has the shape of the caller's dialect. */
function isWanted({ status, text }: Answer, wanted: Wanted, { family }: Asking): void {
  if (wanted === 'answered') assert.ok(status >= 200 && status < 500, `${status} ${text}`)
  else assert.equal(status, wanted.status, text)
  if (status === 200) return
  const { type, error } = JSON.parse(text)
  assert.equal(type, family === 'anthropic' ? 'error' : undefined)
  assert.equal(typeof error.type, 'string')
  assert.equal(typeof error.message, 'string')
  if (wanted === 'answered') return
  assert.equal(error.code, wanted.code)
  if (wanted.field === undefined) return
  if (family === 'openai') assert.equal(error.param, wanted.field)
  assert.ok(error.message.includes(wanted.field), error.message)
}

/** Asks one case; rejects with its name where the answer is not the one that is wanted. */
export async function checkBody(to: Target, asking: Asking, one: BodyCase): Promise<void> {
  const answer = await post(to, asking, one)
  try {
    isWanted(answer, one.wanted, asking)
  } catch (error) {
    throw new Error(`${one.name} at ${asking.path}`, { cause: error })
  }
}
