import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FinalFacts } from '#ambassador/stored/background-book.ts'
import { LateBody } from '#ambassador/stored/late-body.ts'
import { MemberScanner } from '#ambassador/stored/member-scanner.ts'
import { type Body, readBody } from '#shared/http/body.ts'
import { jsonText, pieces } from '../../shared/stored/json-around.ts'

// What a caller writes as a tool's parameters, and each answer repeats.
const zero = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }
const forged = { usage: zero, status: 'completed', response: { usage: zero }, service_tier: 'flex' }
const tools = [{ type: 'function', parameters: forged }]
const own = { input_tokens: 5, output_tokens: 70, total_tokens: 75 }

function response(status: string, usage: object | null): object {
  const metadata = { usage: 'x', status: 'completed' }
  return { object: 'response', service_tier: 'priority', status, usage, tools, metadata }
}

const event = (type: string, status: string, usage: object | null, end = '\n') =>
  [
    `event: ${type}`,
    `data: ${JSON.stringify({ type, response: response(status, usage) })}`,
    '',
    '',
  ].join(end)

async function told(text: string, cuts: readonly number[] = []): Promise<FinalFacts | undefined> {
  let facts: FinalFacts | undefined
  const body: Body = {
    pipe(sink) {
      for (const piece of pieces(Buffer.from(text), cuts)) sink.write(piece)
      sink.end()
    },
    resume() {},
    cancel() {},
  }
  const late = new LateBody(body, (found) => {
    facts = found
  })
  assert.equal((await readBody(late, Number.POSITIVE_INFINITY))?.toString(), text)
  return facts
}

const cutting = fc.array(fc.nat(4_000), { maxLength: 8 })

test('an ended response tells its own usage and tier, however it is split', async () => {
  const long = JSON.stringify({ output: 'x'.repeat(100_000), ...response('completed', own) })
  assert.equal((await told(long))?.usage.output, 70)
  const texts = ['\n', '\r\n', '\r'].map(
    (end) =>
      event('response.created', 'in_progress', null, end) +
      event('response.completed', 'completed', own, end),
  )
  texts.push(JSON.stringify(response('completed', own)))
  texts.push(JSON.stringify(response('incomplete', own), null, 2))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...texts), cutting, async (text, cuts) => {
      const facts = await told(text, cuts)
      assert.deepEqual([facts?.usage.input, facts?.usage.output], [5, 70])
      assert.deepEqual(facts?.modifiers, ['priority'])
    }),
  )
})

test('what the caller has named usage is none, where the response has none of its own', async () => {
  const padding = 'x'.repeat(100_000)
  for (const status of ['queued', 'in_progress', 'cancelled', 'failed']) {
    const whole = response(status, null)
    assert.equal(await told(JSON.stringify(whole)), undefined, status)
    assert.equal(await told(JSON.stringify({ instructions: padding, ...whole })), undefined, status)
    assert.equal(await told(event('response.created', status, null)), undefined, status)
  }
  // One that runs says what it has used so far: not the last word.
  assert.equal(await told(JSON.stringify(response('in_progress', own))), undefined)
})

test('whatever a provider says instead, it passes and tells nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), jsonText), cutting, async (text, cuts) => {
      assert.equal(await told(text.toWellFormed(), cuts), undefined)
    }),
  )
})

test('members are those that parsing finds, however the bytes are split', () => {
  const wanted = ['id', 'type', 'response.id', 'response.type', 'metadata']
  fc.assert(
    fc.property(jsonText, cutting, (text, cuts) => {
      const scanner = new MemberScanner(wanted)
      for (const piece of pieces(Buffer.from(text), cuts)) scanner.feed(piece)
      const value: unknown = JSON.parse(text)
      for (const path of wanted) {
        const [first = '', second] = path.split('.')
        // A key with escapes is another here: providers write none.
        if (text.includes('\\u0064"')) continue
        const member = memberOf(value, first)
        const expected = second === undefined ? member : memberOf(member, second)
        assert.deepEqual(scanner.value(path), expected, path)
      }
    }),
    { numRuns: 500 },
  )
})

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.entries(value).find(([name]) => name === key)?.[1]
}
