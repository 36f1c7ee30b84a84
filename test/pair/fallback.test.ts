import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { ask, question } from './client.ts'
import { type Besides, besides } from './errors/besides.ts'
import { until } from './errors/occupy.ts'
import { FirstProvider, type Plan } from './first-provider.ts'
import {
  callOf,
  closedPort,
  type Line,
  type Pair,
  type Provider,
  startPair,
  startProvider,
} from './harness.ts'

let provider: Provider
/** Behind an ambassador of its own, and as one. */
let first: FirstProvider
let extras: Besides
let pair: Pair

const to = (name: string, more: object = {}) => ({ provider: name, model: 'tiny', ...more })

before(async () => {
  provider = await startProvider()
  first = await new FirstProvider().listen()
  extras = besides(first.port)
  // What an ambassador tries again by itself, and whom it gives up, is no matter here.
  const retry = { attempts: 1 }
  const breaker = { failures: 10_000, volume: 1_000_000 }
  const pool = { retry, breaker }
  const [ambassador, limited] = await Promise.all([
    extras.start('ambassador', { pool }),
    // Of a vLLM server a 429 would be no limit of an account.
    extras.start('ambassador', {
      pool: {
        ...pool,
        kind: 'openai-compatible',
        replicas: undefined,
        baseUrl: `http://127.0.0.1:${first.port}/v1`,
      },
    }),
  ])
  const at = (port: number) => ({
    kind: 'vllm',
    replicas: { addresses: ['http://127.0.0.1:1'] },
    address: `127.0.0.1:${port}`,
  })
  const quick = { within: '2s' }
  pair = await startPair({
    provider: provider.port,
    pool,
    models: {
      // A long chain's time: no machine is too busy for it.
      second: { targets: [to('first'), to('pool')] },
      limited: { targets: [to('limited'), to('pool')] },
      hasty: { targets: [to('first'), to('pool')], fallback: quick },
      gone: { targets: [to('gone'), to('pool')] },
      'stood-in': { targets: [to('stand-in'), to('pool')] },
      nobody: { targets: [to('gone'), to('stand-in')] },
      words: { targets: [to('gone'), { refuse: 'Come back tomorrow' }] },
      capped: { targets: [to('gone'), to('pool', { outputMax: 2 })] },
      split: { targets: [{ split: [to('stand-in'), to('pool')], sticky: 'session' }] },
    },
    providers: {
      first: at(ambassador.port),
      limited: at(limited.port),
      gone: at(await closedPort()),
      'stand-in': at(first.port),
    },
    sidecar: { connectTimeout: '30s', count: { wait: '30s' } },
  })
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await first?.close()
  await provider?.close()
})

/** One question for `model`, which meets `plan` at its first target. */
function asked(model: string, plan: Plan | undefined, more: { stream?: boolean } = {}) {
  const one = question('chat', { ...more, body: { model } })
  return plan === undefined ? one : { ...one, headers: { ...one.headers, 'x-first': plan } }
}

function lineOf(headers: Readonly<Record<string, unknown>>): Promise<Line> {
  const id = headers['x-outrigger-call']
  return pair.sidecar.line((line) => line['msg'] === 'call' && line['call'] === id)
}

const failures = [
  ['gone', 'gone', undefined, 'gone/tiny=unavailable'],
  ['refuses with 503', 'second', '503', 'first/tiny=unavailable'],
  ['is at its limit', 'limited', '429', 'limited/tiny=rate-limited'],
  ['finds the question too long', 'stood-in', 'too-long', 'stand-in/tiny=context-window'],
] as const

for (const [what, model, plan, passedOver] of failures) {
  for (const stream of [false, true]) {
    test(`the next target answers where the first ${what}, streamed: ${stream}`, async () => {
      const one = asked(model, plan, { stream })
      const seen = await ask(pair.port, one)
      assert.equal(seen.status, 200, seen.body)
      assert.equal(seen.headers['x-outrigger-passed-over'], passedOver)
      assert.equal(seen.headers['x-outrigger-provider'], 'pool')
      assert.equal(seen.headers['x-should-retry'], undefined)
      // An ambassador knows its provider's limit the second time, and does not ask.
      const tries = plan === undefined || (plan === '429' && stream) ? [0, 1] : [1]
      assert.ok(tries.includes(first.tries(one.id)))
      assert.ok(callOf(provider, one.id) !== undefined)
      const line = await lineOf(seen.headers)
      assert.deepEqual(
        [line['provider'], line['passedOver'], line['outcome'], line['error']],
        ['pool', passedOver, 'ok', undefined],
      )
    })
  }
}

test('a stream that does not begin in its share of the time is left for the next target', async () => {
  const one = asked('hasty', 'stall', { stream: true })
  const { left } = first
  const seen = await ask(pair.port, one)
  assert.equal(seen.status, 200)
  assert.equal(seen.headers['x-outrigger-passed-over'], 'first/tiny=timeout')
  assert.ok(seen.body.includes('data: [DONE]'))
  // Nobody generates what nobody reads.
  await until(() => first.left > left)
})

test('a stream that breaks off is tried nowhere else', async () => {
  const one = asked('second', 'cut', { stream: true })
  const seen = await ask(pair.port, one)
  assert.equal(seen.status, 200)
  assert.ok(seen.body.includes('hel') && !seen.body.includes('[DONE]'))
  assert.deepEqual([first.tries(one.id), callOf(provider, one.id)], [1, undefined])
  assert.equal(seen.headers['x-outrigger-passed-over'], undefined)
})

test('a mistake of the caller is tried nowhere else', async () => {
  const one = asked('second', '400')
  const seen = await ask(pair.port, one)
  assert.deepEqual([seen.status, first.tries(one.id)], [400, 1])
  assert.match(seen.body, /of the first/)
  assert.equal(callOf(provider, one.id), undefined)
})

/** Tries again as it comes from the package: twice. */
function sdk(): OpenAI {
  return new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${pair.port}/v1` })
}

const messages = [{ role: 'user' as const, content: 'hello' }]

test('an SDK sees one good answer, and who gave it', async () => {
  const headers = { 'x-first': '503', 'x-request-id': 'sdk-good' }
  const { data, response } = await sdk()
    .chat.completions.create({ model: 'second', messages, max_tokens: 5 }, { headers })
    .withResponse()
  assert.ok((data.choices[0]?.message.content ?? '').length > 0)
  assert.equal(response.headers.get('x-outrigger-provider'), 'pool')
  assert.equal(response.headers.get('x-outrigger-passed-over'), 'first/tiny=unavailable')
  assert.equal(first.tries('sdk-good'), 1)
})

test('an SDK does not try a chain again that has been tried', async () => {
  const headers = { 'x-first': '503', 'x-sim-fault': 'status=503', 'x-request-id': 'sdk-bad' }
  const sinceMs = Date.now()
  const call = sdk().chat.completions.create({ model: 'second', messages }, { headers })
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof OpenAI.InternalServerError)
    assert.equal(error.headers.get('x-should-retry'), 'false')
    assert.equal(error.headers.get('x-outrigger-passed-over'), 'first/tiny=unavailable')
    return true
  })
  await pair.sidecar.call(sinceMs)
  assert.equal(first.tries('sdk-bad'), 1)
  const there = provider.calls().filter((seen) => seen.headers['x-request-id'] === 'sdk-bad')
  assert.equal(there.length, 1)
})

test('the last target’s own answer is what the caller gets', async () => {
  const seen = await ask(pair.port, asked('nobody', '429'))
  assert.deepEqual([seen.status, seen.headers['retry-after']], [429, '3600'])
  assert.match(seen.body, /of the first/)
  assert.equal(seen.headers['x-should-retry'], 'false')
  assert.equal(seen.headers['x-outrigger-passed-over'], 'gone/tiny=unavailable')
})

test('a chain that ends in words says them, and is not tried again', async () => {
  const seen = await ask(pair.port, asked('words', undefined))
  assert.equal(seen.status, 503)
  const { code, message } = JSON.parse(seen.body).error
  assert.deepEqual([code, message], ['refused-by-chain', 'Cannot answer: Come back tomorrow'])
  assert.equal(seen.headers['x-should-retry'], 'false')
  assert.equal(seen.headers['x-outrigger-passed-over'], 'gone/tiny=unavailable')
})

test('a target that stands in answers with fewer tokens', async () => {
  const seen = await ask(pair.port, asked('capped', undefined))
  assert.equal(JSON.parse(seen.body).usage.completion_tokens, 2)
})

test('calls that are handed on are counted by who did not serve, and why', async () => {
  const { text } = await pair.sidecar.page('/metrics')
  const name = 'outrigger_sidecar_fallbacks_total'
  for (const [, model, , passedOver] of failures) {
    const [provider, reason] = passedOver.split('/tiny=')
    const labels = `model="${model}",provider="${provider}",reason="${reason}"`
    assert.match(text, new RegExp(`${name}\\{${labels}\\} [1-9]`))
  }
})

test('a session stays at its target', async () => {
  const askAs = async (session: string) => {
    const one = asked('split', 'too-long')
    const headers = { ...one.headers, 'x-outrigger-session': session }
    await ask(pair.port, { ...one, headers })
    return callOf(provider, one.id) !== undefined && first.tries(one.id) === 0
  }
  for (const session of ['one', 'two', 'three', 'four']) {
    const [once, ...again] = [await askAs(session), await askAs(session), await askAs(session)]
    assert.deepEqual(again, [once, once])
  }
})

test('a session’s name reaches no provider', async () => {
  const one = asked('second', '503')
  await ask(pair.port, { ...one, headers: { ...one.headers, 'x-outrigger-session': 'mine' } })
  const heads = [callOf(provider, one.id)?.headers, first.heads.at(-1)]
  for (const head of heads) assert.ok(head !== undefined && !('x-outrigger-session' in head))
})

test('a session’s name reaches the ambassador', async () => {
  const one = asked('stood-in', 'too-long')
  await ask(pair.port, { ...one, headers: { ...one.headers, 'x-outrigger-session': 'mine' } })
  const head = first.heads.find((seen) => seen['x-request-id'] === one.id)
  assert.equal(head?.['x-outrigger-session'], 'mine')
})
