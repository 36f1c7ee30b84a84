import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { ask, question, questions, say, spoken } from './client.ts'
import { type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  const limits = { headTimeout: '300ms', bodyTimeout: '300ms', bodyMax: '64KiB' }
  pair = await startPair({ provider: provider.port, sidecar: limits })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const runs = { seed: 20_261_121, numRuns: 100 }

const dialect = fc.constantFrom(...spoken)
const known = { model: fc.constantFrom('tiny', 'assistant', 'nobody', '', 7, null) }
const body = fc.oneof(
  fc.json(),
  fc
    .record(
      {
        ...known,
        stream: fc.constantFrom(true, false, null, 'yes'),
        messages: fc.jsonValue(),
        prompt: fc.jsonValue(),
        stream_options: fc.jsonValue(),
        max_tokens: fc.oneof(fc.integer({ max: 50 }), fc.jsonValue()),
      },
      { requiredKeys: ['model'] },
    )
    .map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary' }),
  // A question that would be good, with one piece changed.
  fc
    .tuple(dialect, fc.nat(), fc.nat(20), fc.string({ maxLength: 5 }))
    .map(([name, at, length, text]) => {
      const good = JSON.stringify({ ...questions[name].body, stream: true })
      const from = at % good.length
      return good.slice(0, from) + text + good.slice(from + length)
    }),
)

/** The pair still answers, in every dialect. */
async function stillServes(): Promise<void> {
  for (const name of spoken) {
    const seen = await ask(pair.port, question(name, { stream: true }))
    assert.ok(seen.body.includes(questions[name].done))
  }
}

test('every body is answered, and none ends the pair', async () => {
  const property = fc.asyncProperty(dialect, body, async (name, text) => {
    const seen = await ask(pair.port, { path: questions[name].path, body: text })
    assert.ok(seen.status >= 200 && seen.status < 600 && seen.status !== 500, seen.body)
    assert.equal(seen.end, 'clean')
  })
  await fc.assert(property, runs)
  await stillServes()
})

const line = fc.string({ unit: 'binary-ascii', maxLength: 40 })
const head = fc.oneof(
  fc.array(line, { maxLength: 4 }).map((lines) => `${lines.join('\r\n')}\r\n\r\n`),
  fc
    .tuple(
      fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'TRACE', 'FROB'),
      fc.oneof(fc.constantFrom('/', '/v1/messages', '/v1/models', '*', '/v1/models/%'), line),
      fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
      fc.array(
        fc.tuple(
          fc.constantFrom('content-length', 'transfer-encoding', 'expect', 'content-encoding', 'a'),
          fc.constantFrom(
            '0',
            '1',
            '-1',
            '1e9',
            'chunked',
            'gzip',
            'gzip, chunked',
            '100-continue',
          ),
        ),
        { maxLength: 3 },
      ),
    )
    .map(([method, path, version, headers]) => {
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      return `${method} ${path} ${version}\r\nhost: x\r\nconnection: close\r\n${lines}\r\n`
    }),
)

test('every head is answered or refused, and none ends the pair', async () => {
  const property = fc.asyncProperty(head, async (text) => {
    const seen = await say(pair.port, Buffer.from(text, 'latin1'))
    assert.match(seen, /^HTTP\/1\.1 [1-5]\d\d /)
    assert.doesNotMatch(seen, /^HTTP\/1\.1 500 /)
  })
  await fc.assert(property, { ...runs, numRuns: 120 })
  await stillServes()
})
