import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { ask, question, questions, say, spoken } from './client.ts'
import { bodies, dialects, heads } from './fuzz-cases.ts'
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

/** The pair still answers, in every dialect. */
async function stillServes(): Promise<void> {
  for (const name of spoken) {
    const seen = await ask(pair.port, question(name, { stream: true }))
    assert.ok(seen.body.includes(questions[name].done))
  }
}

test('every body is answered, and none ends the pair', async () => {
  const property = fc.asyncProperty(dialects, bodies, async (name, text) => {
    const seen = await ask(pair.port, { path: questions[name].path, body: text })
    assert.ok(seen.status >= 200 && seen.status < 600 && seen.status !== 500, seen.body)
    assert.equal(seen.end, 'clean')
  })
  await fc.assert(property, runs)
  await stillServes()
})

test('every head is answered or refused, and none ends the pair', async () => {
  const property = fc.asyncProperty(heads, async (text) => {
    const seen = await say(pair.port, Buffer.from(text, 'latin1'))
    assert.match(seen, /^HTTP\/1\.1 [1-5]\d\d /)
    assert.doesNotMatch(seen, /^HTTP\/1\.1 500 /)
  })
  await fc.assert(property, { ...runs, numRuns: 120 })
  await stillServes()
})
