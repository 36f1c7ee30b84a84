import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask } from '../client.ts'
import { type Besides, besides } from '../errors/besides.ts'
import { closedPort, type Half, type Line, type Pair } from '../harness.ts'
import { billed, type PlannedProvider, startPlanned } from './planned-provider.ts'
import {
  aliases,
  asked,
  eager,
  environmentOf,
  type Key,
  leave,
  openaiPool,
  planned,
  series,
  startTaken,
  tokens,
  untilCalm,
} from './stage.ts'

/** Its answers are a defect of the ambassador's, once they have been read. */
const defect = 'defect'
const planted = `const { lastIndexOf } = Buffer.prototype
Buffer.prototype.lastIndexOf = function (...given) {
  if (given[0] === '"model":' && this.includes('"model":"${defect}"')) throw new TypeError('planted')
  return lastIndexOf.apply(this, given)
}`
const defective = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(planted)}` }

const keys: readonly Key[] = [
  { name: 'main', models: ['priced', 'unpriced', defect] },
  { name: 'throttled', models: ['throttled'] },
]
const price = { input: '1', output: '2' }
const prices = { priced: price, throttled: price, [defect]: price }
const models = {
  tiny: undefined,
  assistant: undefined,
  ...aliases(['priced', 'unpriced', 'throttled', defect]),
}
const tenants = {
  local: {
    limits: [
      { requests: 1_000_000, per: 'month' },
      { tokens: 1_000_000, per: 'month' },
    ],
  },
}

let provider: PlannedProvider
let extras: Besides
let pair: Pair
/** In front of a port on which nothing listens. */
let gone: Half

before(async () => {
  provider = await startPlanned()
  const common = { models, tenants, environment: { ...environmentOf(keys), ...defective } }
  extras = besides(provider.port)
  const pool = openaiPool(provider.port, keys, { retry: eager, prices })
  ;[pair, gone] = await Promise.all([
    startTaken({ provider: provider.port, ...common, pool, sidecar: { count: { wait: '30s' } } }),
    extras.start('ambassador', {
      ...common,
      pool: openaiPool(await closedPort(), keys, { retry: eager, prices }),
    }),
  ])
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await provider?.close()
})

/** In US dollars, by the prices above. */
function costOf({ input, output }: { readonly input: number; readonly output: number }): number {
  return (input + 2 * output) / 1_000_000
}

function isCharged(line: Line): void {
  assert.equal(Number(line['costUsd']).toFixed(9), costOf(tokens(line)).toFixed(9))
}

/** How many tokens and requests of the tenant's limits are used. */
async function used(half: Half): Promise<{ requests: number; tokens: number }> {
  const rows = await series(half, 'outrigger_tenant_limit_used')
  const of = (unit: string) => [...rows].find(([labels]) => labels.includes(`"${unit} per`))?.[1]
  return { requests: of('requests') ?? Number.NaN, tokens: of('tokens') ?? Number.NaN }
}

for (const stream of [true, false]) {
  // bifrost#3357, litellm#37923
  test(`an answer is paid as the provider bills it, streamed: ${stream}`, async () => {
    const { line } = await asked(pair, planned('priced', { stream }))
    assert.deepEqual(tokens(line), { ...billed, isMarked: false })
    isCharged(line)
  })
}

test('a stream that is interrupted is paid as far as it was seen, and marked', async () => {
  const { line } = await asked(pair, planned('priced', { stream: true, plan: 'cut' }))
  const { input, output, isMarked } = tokens(line)
  assert.ok(isMarked && input > 0 && output >= 3 && output <= billed.output, `${input}, ${output}`)
  isCharged(line)
})

for (const stream of [true, false]) {
  test(`who leaves before the head has paid for the question, streamed: ${stream}`, async () => {
    const one = planned('priced', { stream, plan: 'silent' })
    const line = await leave(pair.ambassador, one, () => provider.of(one.id).length === 1)
    const { input, output, isMarked } = tokens(line)
    assert.ok(isMarked && input > 0 && output === 0, `${input}, ${output}`)
    assert.equal(line['outcome'], 'client-left')
    isCharged(line)
  })
}

test('who leaves in the middle of a stream has paid for what was seen of it', async () => {
  const one = planned('priced', { stream: true, plan: 'tapped' })
  const line = await leave(pair.ambassador, one, () => provider.tap.running === 1)
  assert.ok(tokens(line).isMarked && tokens(line).input > 0)
  isCharged(line)
})

for (const plan of ['504', '408', '502']) {
  test(`a ${plan} of the provider may be billed, and its question is paid as an estimate`, async () => {
    const { line } = await asked(pair, planned('priced', { plan }))
    const { input, output, isMarked } = tokens(line)
    assert.ok(isMarked && input > 0 && output === 0, `${input}, ${output}`)
    isCharged(line)
    // Of those that may be billed every one counts.
    const attempts = Number(line['attempts'])
    assert.equal(attempts, 5)
    assert.equal(input % attempts, 0)
  })
}

for (const plan of ['500', '400', '529', '429']) {
  test(`a ${plan} of the provider costs nothing`, async () => {
    const sinceMs = Date.now()
    const patience = { 'x-outrigger-patience-ms': '100' }
    const one = planned(plan === '429' ? 'throttled' : 'priced', { plan, headers: patience })
    const seen = await ask(pair.ambassador.port, one)
    assert.equal(seen.status, Number(plan))
    const line = await pair.ambassador.call(sinceMs)
    assert.deepEqual([tokens(line).input, line['costUsd']], [0, undefined])
  })
}

test('a try that may be billed is paid besides the answer that follows it', async () => {
  const { line } = await asked(pair, planned('priced', { plan: 'reset ok' }))
  const { input, output, isMarked } = tokens(line)
  assert.ok(isMarked && input > billed.input && output === billed.output)
  isCharged(line)
})

test('a try that was refused adds nothing to the answer that follows it', async () => {
  const { line } = await asked(pair, planned('priced', { plan: '500 ok' }))
  assert.deepEqual(tokens(line), { ...billed, isMarked: false })
})

test('who leaves while the next try is waited for has nothing to pay', async () => {
  const one = planned('priced', { plan: '503:30000' })
  const line = await leave(pair.ambassador, one, () => {
    return provider.of(one.id)[0]?.refusedMs !== undefined
  })
  // The refusal may not have come through yet: then the question counts, as an estimate.
  const { input, isMarked } = tokens(line)
  assert.ok(input === 0 || isMarked)
})

// bifrost#4575
test('a defect of ours behind the answer is a 500, pays what the provider may bill, and holds nothing', async () => {
  const earlier = await used(pair.ambassador)
  const sinceMs = Date.now()
  const seen = await ask(pair.ambassador.port, planned(defect))
  assert.equal(seen.status, 500)
  const line = await pair.ambassador.call(sinceMs)
  assert.deepEqual(tokens(line), { ...billed, isMarked: false })
  isCharged(line)
  const { requests, tokens: sum } = await used(pair.ambassador)
  assert.deepEqual(
    [requests, sum],
    [earlier.requests + 1, earlier.tokens + billed.input + billed.output],
  )
  await untilCalm(pair.ambassador)
})

// litellm#20615
test('a model without a price is served, at a cost that is said to be unknown', async () => {
  for (const stream of [true, false]) {
    const { status, line } = await asked(pair, planned('unpriced', { stream }))
    assert.deepEqual([status, line['costUsd']], [200, null])
    assert.deepEqual(tokens(line), { ...billed, isMarked: false })
  }
})

test('a call that reached no provider, however often it was tried, counts nowhere', async () => {
  const seen = await ask(gone.port, planned('priced'))
  assert.equal(seen.status, 503)
  assert.ok(Number(seen.headers['x-outrigger-attempts']) > 1)
  assert.deepEqual(await used(gone), { requests: 0, tokens: 0 })
})

test('ledger, limits and metrics have the same sums', async () => {
  await untilCalm(pair.ambassador)
  const { lines } = pair.ambassador
  const calls = lines.filter((line) => line['msg'] === 'call' && line['provider'] === 'pool')
  const sum = calls.reduce((total, line) => {
    const { input, output } = tokens(line)
    return total + (input || 0) + (output || 0)
  }, 0)
  assert.equal((await used(pair.ambassador)).tokens, sum)
  const rows = await series(pair.ambassador, 'outrigger_ambassador_tokens_total')
  const measured = [...rows]
    .filter(([labels]) => /type="(in|out)put"/.test(labels))
    .reduce((total, [, value]) => total + value, 0)
  assert.equal(measured, sum)
})
