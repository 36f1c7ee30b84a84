import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InputCount } from '#shared/tokens/counter.ts'
import { explain } from '../../../sidecar/route/explain.ts'
import { Signals } from '../../../sidecar/route/signals.ts'
import { manualClock } from '../../manual-clock.ts'
import { callUnder, configWith, silent, Table } from './models.ts'

const path = '/v1/chat/completions'
const at = (provider: string, more: object = {}) => ({ provider, model: provider, ...more })
const exact = (tokens: number): InputCount => ({ tokens, exactness: 'exact' })

interface Given {
  readonly x: object
  readonly counts?: Readonly<Record<string, InputCount>>
  readonly signals?: Signals
  readonly body?: object
  readonly headers?: object
  readonly path?: string
}

/** What is told of a question to the model `x`; of what is not counted 7 tokens are estimated. */
async function told({ x, counts = {}, signals = new Signals(), ...given }: Given) {
  const config = configWith({ x })
  const clock = manualClock()
  const page = explain({
    signals,
    counter: new Table(counts),
    log: () => silent,
    newCall: () => callUnder(config, clock),
  })
  const body = { model: 'x', messages: [], ...given.body }
  const posted = JSON.stringify({ path: given.path ?? path, headers: given.headers ?? {}, body })
  const { status, text } = await page.post(Buffer.from(posted))
  assert.equal(clock.pending(), 0)
  return { status, told: JSON.parse(text) }
}

const shown = (order: { provider: string; refuse?: string; verdict: string }[]) =>
  order.map(({ provider, refuse, verdict }) => refuse ?? `${provider} ${verdict.split(':')[0]}`)

test('targets are told in their order, with the patience of each', async () => {
  const { status, told: seen } = await told({
    x: { targets: [at('a'), at('b'), at('c')], fallback: { within: '30s' } },
    counts: { a: exact(5), b: exact(6), c: exact(7) },
  })
  assert.equal(status, 200)
  assert.deepEqual(shown(seen.order), ['a asked', 'b asked', 'c asked'])
  const numbers = seen.order.map((turn: { patienceMs: unknown; counted: InputCount }) => [
    turn.patienceMs,
    turn.counted.tokens,
  ])
  assert.deepEqual(numbers, [
    [10_000, 5],
    [15_000, 6],
    ['until the deadline', 7],
  ])
  assert.deepEqual(seen.fallback, {
    on: ['unavailable', 'rate-limited', 'timeout', 'context-window'],
    withinMs: 30_000,
    unknown: 'next',
    attemptsMax: 6,
  })
})

test('a target whose window is too small is passed over, with both numbers', async () => {
  const { told: seen } = await told({
    x: { targets: [at('a', { contextWindow: 4 }), at('b')] },
    counts: { a: exact(5), b: exact(6) },
  })
  assert.deepEqual(shown(seen.order), ['a passed over', 'b asked'])
  const { contextWindow, counted } = seen.order[0]
  assert.deepEqual([contextWindow, counted], [4, exact(5)])
})

test('a guess that does not fit has its turn at the end', async () => {
  const guess = { tokens: 9, exactness: 'estimate' } as const
  const { told: seen } = await told({
    x: { targets: [at('a', { contextWindow: 4 }), at('b')] },
    counts: { a: guess, b: exact(6) },
  })
  assert.deepEqual(shown(seen.order), ['a passed over', 'b asked', 'a asked'])
})

test('what fits nowhere is told as the call would be refused', async () => {
  const { told: seen } = await told({
    x: { targets: [at('a', { contextWindow: 4 })] },
    counts: { a: exact(5) },
  })
  assert.deepEqual(shown(seen.order), ['a passed over'])
  assert.deepEqual([seen.refused.code, seen.refused.status], ['context-window-exceeded', 400])
})

test('rules are told up to the one that fits, each with its reason', async () => {
  const rules = [
    { when: { class: 'batch' }, targets: [at('a')] },
    { when: { tokensOver: 6 }, targets: [at('b')] },
    { when: {}, targets: [at('c')] },
    { when: {}, targets: [at('d')] },
  ]
  const { told: seen } = await told({
    x: { rules, targets: [at('a')] },
    counts: { b: exact(6), c: exact(6) },
  })
  assert.deepEqual(seen.rules, [
    { rule: 0, fits: false, because: 'the class is not batch' },
    { rule: 1, fits: false, because: 'the question has 6 tokens, not over 6' },
    { rule: 2, fits: true },
  ])
  assert.deepEqual(shown(seen.order), ['c asked'])
})

test('each group tells what it goes by, and whether chance has a say', async () => {
  const signals = new Signals()
  signals.of(at('a')).inFlight = 2
  signals.of(at('b')).observe(100, 0)
  const split = [at('a', { weight: 3 }), at('b', { weight: 1 })]
  const steps = [
    { split },
    { split, sticky: 'session' },
    { leastBusy: [at('a'), at('b')] },
    { fastest: [at('a'), at('b')] },
    { cheapest: [at('a', { cost: 2 }), at('b', { cost: 1 })] },
    at('c'),
  ]
  const { told: seen } = await told({
    x: { targets: steps },
    signals,
    headers: { 'X-Outrigger-Session': 'mine' },
  })
  const facts = seen.steps.map((step: { choose: string; byChance: boolean; targets: object[] }) => [
    step.choose,
    step.byChance,
    step.targets
      .map((target) => Object.values(target).join(' '))
      .toSorted()
      .join(', '),
  ])
  assert.deepEqual(facts, [
    ['split', true, 'a a 3 0.75, b b 1 0.25'],
    ['split', false, 'a a 3 0.75, b b 1 0.25'],
    ['leastBusy', false, 'a a 2, b b 0'],
    ['fastest', false, 'a a 20000 2, b b 100 0'],
    ['cheapest', false, 'a a 2, b b 1'],
    ['only', false, 'c c'],
  ])
  const inFlight = signals.seen(at('a')).inFlight
  assert.deepEqual([signals.size, inFlight, signals.seen(at('c')).inFlight], [2, 2, 0])
})

test('equals of a group are told to be in the order of chance', async () => {
  const { told: seen } = await told({ x: { targets: [{ leastBusy: [at('a'), at('b')] }] } })
  assert.equal(seen.steps[0].byChance, true)
})

test('who is left out is told with the reason', async () => {
  const split = [at('a', { weight: 0 }), at('b', { capabilities: ['images'] }), at('m'), at('c')]
  const { told: seen } = await told({
    x: { targets: [{ split }] },
    body: { tools: [{ type: 'function' }] },
  })
  assert.deepEqual(seen.needs, ['tools'])
  assert.deepEqual(seen.steps[0].leftOut, [
    { provider: 'a', model: 'a', because: 'its weight is 0' },
    { provider: 'b', model: 'b', because: 'it lacks tools' },
    { provider: 'm', model: 'm', because: 'its provider speaks messages' },
  ])
  assert.deepEqual(shown(seen.order), ['c asked'])
})

test('a chain that ends in words tells them, and who stands behind them in vain', async () => {
  const { told: seen } = await told({ x: { targets: [at('a'), { refuse: 'later' }, at('b')] } })
  assert.deepEqual(shown(seen.order), ['a asked', 'later'])
  assert.deepEqual(seen.notTried, [{ provider: 'b', model: 'b' }])
  assert.equal(seen.refused, undefined)
})

test('a model that goes on for nothing asks its first target alone', async () => {
  const { told: seen } = await told({ x: { targets: [at('a'), at('b')], fallback: { on: [] } } })
  assert.deepEqual(shown(seen.order), ['a asked'])
  assert.deepEqual(seen.notTried, [{ provider: 'b', model: 'b' }])
})

test('a call that would be refused is told so, behind what was found before', async () => {
  const missing = await told({ x: { targets: [at('m')] } })
  assert.equal(missing.status, 200)
  assert.deepEqual(missing.told.refused.code, 'dialect-not-spoken')
  assert.equal(missing.told.steps[0].leftOut[0].because, 'its provider speaks messages')
  const unknown = await told({ x: { targets: [at('a')] }, body: { model: 'y' } })
  assert.equal(unknown.told.refused.code, 'model-not-found')
  const invalid = await told({ x: { targets: [at('a')] }, body: { stream: 'yes' } })
  assert.equal(invalid.told.refused.code, 'invalid-field')
})

test('a question that is no question about a call is a 400 with what would be right', async () => {
  const config = configWith({ x: { targets: [at('a')] } })
  const parts = { signals: new Signals(), counter: new Table(), log: () => silent }
  const { post } = explain({ ...parts, newCall: () => callUnder(config) })
  const right = /send \{"path": "\/v1\/chat\/completions"/
  const cases: [unknown, RegExp][] = [
    ['{"path":', /Cannot read the question as JSON/],
    [[], /Cannot read the question as JSON/],
    [{}, /'path' must be one of \/v1\/chat\/completions, /],
    [{ path: '/v1/models', body: {} }, /'path' must be one of/],
    [{ path, body: 'x' }, /'body' must be the object/],
    [{ path }, /'body' must be the object/],
    [{ path, headers: { a: 1 }, body: {} }, /'headers' must be an object of texts/],
    [{ path, headers: [], body: {} }, /'headers' must be an object of texts/],
    [{ path, header: {}, body: {} }, /'header' is not known/],
  ]
  for (const [asked, message] of cases) {
    const posted = typeof asked === 'string' ? asked : JSON.stringify(asked)
    const { status, text } = await post(Buffer.from(posted))
    assert.equal(status, 400)
    assert.match(JSON.parse(text).error, message)
    assert.match(JSON.parse(text).error, right)
  }
})
