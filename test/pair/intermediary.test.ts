import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ask, codeIn } from './client.ts'
import { type Pair, startPair } from './harness.ts'
import { Intermediary } from './intermediary.ts'
import {
  answerOf,
  questionOf,
  type Scripted,
  ScriptedProvider,
  streamOf,
} from './scripted-provider.ts'

/** Idle time after which what stands between closes, and that of the halves, which is below it. */
const idleMs = 500
const keepAliveMs = 10

let provider: ScriptedProvider
let pair: Pair
/** Between the halves, and between ambassador and provider. */
let between: Intermediary
let behind: Intermediary

before(async () => {
  provider = await new ScriptedProvider().listen()
  behind = await new Intermediary({ idleMs, seed: 1 }).listen()
  between = await new Intermediary({ idleMs, seed: 2 }).listen()
  behind.target = provider.port
  const keepAlive = `${keepAliveMs}ms`
  const pool = { address: `127.0.0.1:${between.port}`, keepAlive }
  pair = await startPair({ provider: behind.port, pool, sidecar: { keepAlive } })
  between.target = pair.ambassador.port
})
after(async () => {
  await pair?.close()
  await Promise.all([between?.close(), behind?.close(), provider?.close()])
})

const count = 12

/** Asks, and holds the answer to the provider's own bytes. */
async function isWhole(dialect: Scripted, name: string, how: 'stream' | 'unary'): Promise<string> {
  const stream = how === 'stream'
  const seen = await ask(pair.port, questionOf(dialect, { name, count, stream }))
  assert.equal(seen.status, 200, `${name}: ${seen.body}`)
  assert.equal(seen.end, 'clean')
  const own = stream ? streamOf(dialect, name, count).join('') : answerOf(dialect, name, count)
  assert.equal(seen.body, own)
  return String(seen.headers['x-outrigger-call'])
}

for (const dialect of ['chat', 'messages'] as const) {
  for (const how of ['stream', 'unary'] as const) {
    test(`${how} of ${dialect} has the provider's bytes and its usage, without a trailer`, async () => {
      const taken = between.trailersTaken
      const calls: string[] = []
      for (let round = 0; round < 10; round++) {
        calls.push(await isWhole(dialect, `${how}-${round}`, how))
      }
      for (const call of calls) {
        const { sidecar } = await pair.linesOf(call)
        const { inputTokens, outputTokens, tokensExact, outcome } = sidecar
        assert.deepEqual([inputTokens, outputTokens, tokensExact, outcome], [9, 12, true, 'ok'])
      }
      // The usage of an answer that was held whole stands in its head.
      const expected = how === 'stream' ? 10 : 0
      assert.equal(between.trailersTaken - taken, expected, 'trailers that were taken')
    })
  }
}

test('many calls at once come through in pieces, each whole', async () => {
  const asked = Array.from({ length: 40 }, (_, at) =>
    isWhole(at % 2 === 0 ? 'chat' : 'messages', `at-once-${at}`, at % 3 === 0 ? 'unary' : 'stream'),
  )
  await Promise.all(asked)
})

test('a half that closes idle connections first never meets one that was closed', async () => {
  const before = between.connections
  for (let round = 0; round < 60; round++) {
    const dialect = round % 2 === 0 ? 'chat' : 'messages'
    await isWhole(dialect, `paused-${round}`, round % 3 === 0 ? 'stream' : 'unary')
    // Around the moment at which the halves close.
    await pause(keepAliveMs - 6 + (round % 12))
  }
  assert.ok(between.connections > before + 1, 'connections were closed and made again')
})

for (const where of ['between', 'behind'] as const) {
  test(`a connection ${where} that ends as it is used again fails one call, in words`, async () => {
    const place = { between, behind }[where]
    const asked = questionOf('messages', { name: 'again', count, stream: true })
    await isWhole('messages', 'first', 'unary')
    place.closesOnReuse = true
    const seen = await ask(pair.port, asked)
    place.closesOnReuse = false
    // Whether the request was taken up before the close, nobody can tell: it may bill twice.
    if (seen.status !== 200) {
      assert.deepEqual([seen.status, codeIn(seen.body)], [502, 'upstream-reset'])
      assert.equal(seen.headers['x-should-retry'], undefined, 'the application may try again')
    }
    await isWhole('messages', 'next', 'stream')
  })
}
