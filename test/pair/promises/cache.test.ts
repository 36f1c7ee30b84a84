import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask } from '../client.ts'
import { type Besides, besides } from '../errors/besides.ts'
import type { Half, Line, Pair } from '../harness.ts'
import { type Answer, type AnsweringProvider, startAnswering } from './answering-provider.ts'
import {
  aliases,
  asked,
  eager,
  environmentOf,
  type Key,
  openaiPool,
  planned,
  series,
  standing,
  startTaken,
  wireKey,
} from './stage.ts'

/** A question's tokens, and how many of them a cache holds of one that it has seen. */
const input = 1_000
const cachedMost = 960

/** What keeps what it has read of each key, and of no other, as providers do by account; `refused` are bad. */
function caching(refused: ReadonlySet<string>): (key: string, text: string) => Answer {
  const known = new Set<string>()
  return (key, text) => {
    if (refused.has(key)) return { status: 401, body: { error: { message: 'no' } } }
    const { model, messages } = JSON.parse(text)
    const prefix = `${key} ${JSON.stringify(messages[0])}`
    const cached_tokens = known.has(prefix) ? cachedMost : 0
    known.add(prefix)
    const usage = {
      prompt_tokens: input,
      completion_tokens: 2,
      total_tokens: input + 2,
      prompt_tokens_details: { cached_tokens },
    }
    const choices = [
      { index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' },
    ]
    return {
      status: 200,
      body: { id: 'x', object: 'chat.completion', created: 1, model, choices, usage },
    }
  }
}

const keys: readonly Key[] = [{ name: 'one' }, { name: 'two' }]
/** Of the first provider alone. */
const refused = new Set<string>()
let first: AnsweringProvider
let second: AnsweringProvider
let extras: Besides
/** In front of the second. */
let behind: Half
let pair: Pair

before(async () => {
  first = await startAnswering(caching(refused))
  second = await startAnswering(caching(new Set()))
  const models = { tiny: undefined, assistant: undefined, ...aliases(['m']) }
  const chain = {
    targets: [
      { provider: 'pool', model: 'm' },
      { provider: 'behind', model: 'm' },
    ],
  }
  const environment = environmentOf(keys)
  extras = besides(second.port)
  behind = await extras.start('ambassador', {
    models,
    environment,
    pool: openaiPool(second.port, keys),
  })
  pair = await startTaken({
    models: { ...models, chain },
    environment,
    provider: first.port,
    pool: openaiPool(first.port, keys, { retry: eager }),
    providers: { behind: standing(behind) },
    sidecar: { count: { wait: '30s' } },
  })
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await first?.close()
  await second?.close()
})

/** The next turn of a conversation, and what the account of usage says of it. */
async function turn(session: string, model = 'm') {
  const seen = await asked(pair, turnOf(session, model))
  assert.equal(seen.status, 200, seen.body)
  return seen
}

function turnOf(session: string, model: string) {
  const messages = [{ role: 'user', content: `the story of ${session}` }]
  return planned(model, { headers: { 'x-outrigger-session': session }, body: { messages } })
}

/** Its next turn, as the application sees it. */
async function told(session: string, model: string) {
  const seen = await ask(pair.port, turnOf(session, model))
  assert.equal(seen.status, 200, seen.body)
  return seen
}

/** The same where the second provider has answered. */
async function turnBehind(session: string): Promise<Line> {
  // The first ambassador may not hear of it: what it has said of itself is remembered.
  const { headers } = await told(session, 'chain')
  assert.equal(headers['x-outrigger-passed-over'], 'pool/m=unavailable')
  const id = headers['x-outrigger-call']
  return behind.line((line) => line['msg'] === 'call' && line['call'] === id)
}

function cached(line: Line): number {
  return Number(line['cachedTokens'] ?? 0)
}

/** The share of all settled input that came from the provider's cache. */
async function ratio(): Promise<number> {
  const rows = await series(pair.ambassador, 'outrigger_ambassador_tokens_total')
  const of = (type: string) =>
    [...rows].reduce(
      (sum, [labels, value]) => sum + (labels.includes(`type="${type}"`) ? value : 0),
      0,
    )
  return of('cached') / of('input')
}

test('a session that stays reads its question from the cache, and the account tells how much', async () => {
  const sessions = ['ann', 'bea', 'cid', 'dan', 'eve', 'fay']
  for (const session of sessions) assert.equal(cached((await turn(session)).line), 0)
  for (const session of [...sessions, ...sessions]) {
    assert.equal(cached((await turn(session)).line), cachedMost)
  }
  assert.equal(await ratio(), (2 * cachedMost) / (3 * input))
})

test('another credential is a cache loss, and the account of usage shows it', async () => {
  assert.equal(cached((await turn('gus')).line), 0)
  assert.equal(cached((await turn('gus')).line), cachedMost)
  const before = await ratio()
  for (const { name } of keys) {
    refused.clear()
    refused.add(wireKey(name))
    const { line } = await turn('gus')
    if (Number(line['attempts']) === 1) continue
    assert.equal(cached(line), 0)
    assert.ok((await ratio()) < before)
    assert.equal(cached((await turn('gus')).line), cachedMost)
    return
  }
  assert.fail('the session had neither of the keys')
})

test('another target is a cache loss too, and says why it was asked', async () => {
  refused.clear()
  const { line: warm } = await turn('gus', 'chain')
  assert.equal(cached(warm), cachedMost)
  for (const { name } of keys) refused.add(wireKey(name))
  assert.equal(cached(await turnBehind('gus')), 0)
  assert.equal(cached(await turnBehind('gus')), cachedMost)
})
