import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { ask, question, questions, type Seen, type Spoken, say, spoken } from '../pair/client.ts'
import { bodies, dialects, heads } from '../pair/fuzz-cases.ts'
import { type Half, type Pair, type Provider, startPair, startProvider } from '../pair/harness.ts'

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

const cases = 1_000
/** Cases asked at once: a head that waits for its timeout does not hold up the others. */
const atOnce = 25
/** Fixed, so that a red run tells of a change; another by `FUZZ_SEED`. A failure prints it. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1)
/** A hang is a failure with its case named; far above the limits of 300 ms. */
const runs = { seed, numRuns: cases / atOnce, timeout: 30_000 }

function several<Case>(one: fc.Arbitrary<Case>): fc.Arbitrary<Case[]> {
  return fc.array(one, { minLength: atOnce, maxLength: atOnce, size: 'max' })
}

/** Fails unless `seen` is what a client of the dialect can read: an answer, a stream, an error. */
function isOfDialect(name: Spoken, seen: Seen): void {
  assert.equal(seen.end, 'clean')
  if (seen.status === 200 && seen.headers['content-type']?.startsWith('text/event-stream')) {
    const isError = /^data: \{.*"error":/m.test(seen.body)
    assert.ok(seen.body.includes(questions[name].done) || isError, seen.body)
    return
  }
  const value = JSON.parse(seen.body)
  if (seen.status === 200) return
  assert.ok(seen.status >= 400 && seen.status < 600 && seen.status !== 500, seen.body)
  assert.equal(typeof value.error.message, 'string')
  assert.equal(typeof value.error.type, 'string')
  assert.equal(value.type, name === 'messages' ? 'error' : undefined)
}

/** Waits until `half` counts no call in flight: an aborted one ends a moment after its caller. */
async function isIdle(half: Half): Promise<void> {
  const gauge = /^outrigger_(?:sidecar_|ambassador_)?calls_in_flight(?:\{[^}]*\})? (\d+)$/m
  let last: string | undefined
  for (let round = 0; round < 200; round++) {
    last = gauge.exec((await half.page('/metrics')).text)?.[1]
    if (last === '0') return
    await pause(50)
  }
  assert.fail(`${last} calls stay in flight`)
}

/** The pair still answers in every dialect, and holds nothing of what it was asked before. */
async function isWell(): Promise<void> {
  for (const name of spoken) {
    const seen = await ask(pair.port, question(name, { stream: true }))
    assert.ok(seen.body.includes(questions[name].done))
  }
  await provider.whenIdle()
  await Promise.all([isIdle(pair.sidecar), isIdle(pair.ambassador)])
}

test(`${cases} bodies are answered in their dialect, and none ends the pair`, async () => {
  const one = fc.tuple(dialects, bodies)
  const property = fc.asyncProperty(several(one), async (asked) => {
    const askOne = async ([name, text]: [Spoken, string]) =>
      isOfDialect(name, await ask(pair.port, { path: questions[name].path, body: text }))
    await Promise.all(asked.map(askOne))
  })
  await fc.assert(property, runs)
  await isWell()
})

test(`${cases} heads are answered or refused, and none ends the pair`, async () => {
  const property = fc.asyncProperty(several(heads), async (texts) => {
    const answers = await Promise.all(
      texts.map((text) => say(pair.port, Buffer.from(text, 'latin1'))),
    )
    for (const answer of answers) {
      assert.match(answer, /^HTTP\/1\.1 [1-5]\d\d /)
      assert.doesNotMatch(answer, /^HTTP\/1\.1 500 /)
    }
  })
  await fc.assert(property, runs)
  await isWell()
})
