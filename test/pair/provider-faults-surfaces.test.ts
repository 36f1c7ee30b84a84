import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ErrorCode, errorTable } from '#shared/errors/table.ts'
import { type Asking, askings, goodQuestion } from './bad-input-bodies.ts'
import { isIdle, plainProvider } from './bad-input-idle.ts'
import { ask } from './client.ts'
import { type Pair, startPair } from './harness.ts'
import { type DeedName, RawProvider } from './provider-faults.ts'

let provider: RawProvider
let pair: Pair

before(async () => {
  provider = await new RawProvider().listen()
  pair = await startPair({ provider: provider.port, pool: plainProvider(provider.port) })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/** What no surface takes for an answer, whole or streamed. */
const fates = {
  'no HTTP': 'upstream-garbage',
  'HTTP/0.9': 'upstream-garbage',
  'a header without a colon': 'upstream-garbage',
  'headers without an end': 'upstream-garbage',
  'a connection closed without a word': 'upstream-reset',
  'a connection reset without a word': 'upstream-reset',
  'a head that ends in its middle': 'upstream-reset',
  'two lengths': 'upstream-reset',
  'a length below zero': 'upstream-garbage',
  'a chunk whose size is no number': 'upstream-reset',
  'a 100 nobody has asked for': 'upstream-reset',
  'a 101': 'upstream-reset',
  'a 204': 'upstream-garbage',
  'a 206': 'upstream-garbage',
  'a 301': 'upstream-redirect',
  'a 304': 'upstream-redirect',
  'a status of 600': 'upstream-garbage',
  'nothing in a 200': 'upstream-garbage',
  'a page in a 200': 'upstream-garbage',
  'a large page in a 200': 'upstream-garbage',
  'gzip in spite of us': 'upstream-garbage',
  'what it calls brotli': 'upstream-garbage',
} as const satisfies Partial<Record<DeedName, ErrorCode>>

/** Surfaces that ask the provider; Chat and Messages have the whole table of deeds. */
const others = askings.filter(
  ({ path, dialect }) => !path.endsWith('_tokens') && dialect !== 'chat' && dialect !== 'messages',
)

let count = 0

async function isTold(asking: Asking, stream: boolean, [deed, code]: readonly [string, ErrorCode]) {
  const id = `deed-${++count}`
  const what = `${deed} at ${asking.path}, streamed: ${stream}`
  const seen = await ask(pair.port, {
    path: asking.path,
    body: { ...goodQuestion(asking), ...(stream ? { stream } : {}) },
    headers: { 'x-deed': deed, 'x-request-id': id },
  })
  assert.equal(seen.end, 'clean', what)
  assert.equal(seen.status, errorTable[code].status, `${what}: ${seen.body.slice(0, 300)}`)
  const { error, type } = JSON.parse(seen.body)
  assert.deepEqual([type, error.code, typeof error.message], [undefined, code, 'string'], what)
  assert.equal(provider.tries(id), 1, what)
}

for (const asking of others) {
  for (const stream of asking.dialect === 'embeddings' ? [false] : [false, true]) {
    test(`${asking.path}, streamed: ${stream}: no fault of the provider is an answer`, async () => {
      for (const [deed, code] of Object.entries(fates)) await isTold(asking, stream, [deed, code])
    })
  }
}

test('after all of it no call is in flight', async () => {
  await isIdle(pair)
})
