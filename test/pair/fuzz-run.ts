import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Agent } from 'node:http'
import fc from 'fast-check'
import { answersIn } from './bad-input-answers.ts'
import type { Asking } from './bad-input-bodies.ts'
import { post } from './bad-input-check.ts'
import { say } from './client.ts'
import { bodiesFor, headsFor } from './fuzz-cases.ts'

/** Fixed, so that a red run tells of a change; another by `FUZZ_SEED`. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1)

/** Cases under way at once: a head that waits for its time does not hold up the others. */
const atOnce = 64

export interface Target {
  readonly port: number
  readonly agent: Agent
}

/** Fails unless a client of the dialect can read the answer: whole, a stream, or an error. */
async function checkBody(to: Target, asking: Asking, body: Buffer): Promise<void> {
  const { status, text, type } = await post(to, asking, { body })
  if (status === 200 && type.startsWith('text/event-stream')) {
    const hasEnded = /^(?:data: \[DONE\]|event: message_stop|event: response\.\w+)$/m.test(text)
    assert.ok(hasEnded || /^data: \{.*"error":/m.test(text), text)
    return
  }
  const value = JSON.parse(text)
  if (status === 200) return
  assert.ok(status >= 400 && status < 500, text)
  assert.equal(typeof value.error.message, 'string')
  assert.equal(typeof value.error.type, 'string')
  assert.equal(value.type, asking.family === 'anthropic' ? 'error' : undefined)
}

/** Fails unless the bytes are answered with answers of HTTP/1, and none of them is a defect. */
async function checkHead({ port }: Target, head: Buffer): Promise<void> {
  const said = await say(port, head)
  // What comes behind HEAD has no body, whatever its length says.
  const answers = head.includes('HEAD') ? [{ status: Number(said.slice(9, 12)) }] : answersIn(said)
  assert.ok(answers.length > 0, 'closed without a word')
  for (const { status } of answers) assert.ok(status >= 100 && status < 500)
}

async function all(
  cases: readonly string[],
  encoding: BufferEncoding,
  check: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  const queue = cases.entries()
  const work = async () => {
    for (const [at, text] of queue) {
      try {
        await check(Buffer.from(text, encoding))
      } catch (cause) {
        throw new Error(`case ${at} of seed ${seed}: ${JSON.stringify(text)}`, { cause })
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** Asks `count` generated bodies. Rejects with the case and the seed where one is not answered. */
export function fuzzBodies(to: Target, asking: Asking, count: number): Promise<void> {
  const cases = fc.sample(bodiesFor(asking), { seed, numRuns: count })
  return all(cases, 'utf8', (body) => checkBody(to, asking, body))
}

/** As {@link fuzzBodies}, with heads. */
export function fuzzHeads(to: Target, asking: Asking, count: number): Promise<void> {
  const cases = fc.sample(headsFor(asking), { seed, numRuns: count })
  return all(cases, 'latin1', (head) => checkHead(to, head))
}

/** Inputs that once were answered wrongly, or whose structure is odd. */
function kept(name: 'heads' | 'bodies'): string[] {
  const file = new URL(`corpus/${name}.json`, import.meta.url)
  const cases: readonly { readonly bytes: string }[] = JSON.parse(readFileSync(file, 'utf8'))
  return cases.map(({ bytes }) => bytes)
}

/** Asks all that is kept. */
export async function replayCorpus(to: Target, asking: Asking): Promise<void> {
  const heads = kept('heads').map((head) => head.replaceAll('{path}', asking.path))
  await all(kept('bodies'), 'latin1', (body) => checkBody(to, asking, body))
  await all(heads, 'latin1', (head) => checkHead(to, head))
}
