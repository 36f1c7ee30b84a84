import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type ProviderDouble,
  type ProviderStatistics,
  startProvider,
} from '#deploy/simulator/providers/provider.ts'
import { ask, open } from '../client.ts'
import { type Besides, besides } from '../errors/besides.ts'
import { until } from '../errors/occupy.ts'
import type { Half, Line, Pair } from '../harness.ts'
import {
  aliases,
  eager,
  environmentOf,
  type Key,
  openaiPool,
  series,
  standing,
  startTaken,
  tokens,
  untilCalm,
  wireKey,
} from './stage.ts'

/** What becomes of a model's calls: nothing bad, or whatever can. */
const kinds = ['calm', 'rough'] as const
type Kind = (typeof kinds)[number]

const keys: readonly Key[] = [{ name: 'one' }, { name: 'two' }]
const common = ['server-error', 'reset=0', 'reset=6', 'eof=4', 'cut=700', 'error=3', 'status=504']
const faults = common.flatMap((fault) => [fault, 'ok', 'ok'])
const price = { input: '1', output: '2' }
const tenants = {
  local: {
    limits: [
      { tokens: 1_000_000_000, per: 'month' },
      { usd: 1_000_000, per: 'month' },
    ],
  },
}

interface Served {
  readonly path: string
  readonly double: ProviderDouble
  /** Its ambassador. */
  readonly half: Half
  readonly model: (kind: Kind) => string
}

let doubles: readonly ProviderDouble[] = []
let extras: Besides
let pair: Pair
let served: readonly Served[] = []

function poolOf({ origin, port }: ProviderDouble, vendor: 'openai' | 'anthropic') {
  const pool = openaiPool(port, keys, {
    retry: { ...eager, attempts: 4 },
    prices: Object.fromEntries(kinds.map((kind) => [`${vendor}-${kind}`, price])),
  })
  return vendor === 'openai' ? pool : { ...pool, kind: 'anthropic', baseUrl: origin }
}

before(async () => {
  const start = (vendor: 'openai' | 'anthropic') =>
    startProvider({
      vendor,
      keys: keys.map(({ name }) => ({ key: wireKey(name), name })),
      models: kinds.map((kind) => `${vendor}-${kind}`),
      answerTokens: 20,
    })
  const [openai, anthropic] = await Promise.all([start('openai'), start('anthropic')])
  doubles = [openai, anthropic]
  extras = besides(openai.port)
  const environment = environmentOf(keys)
  const none = { tiny: undefined, assistant: undefined }
  const names = (vendor: string) => kinds.map((kind) => `${vendor}-${kind}`)
  const beside = await extras.start('ambassador', {
    pool: poolOf(anthropic, 'anthropic'),
    models: { ...none, ...aliases(names('anthropic')) },
    tenants,
    environment,
  })
  pair = await startTaken({
    provider: openai.port,
    pool: poolOf(openai, 'openai'),
    models: { ...none, ...aliases(names('openai')), ...aliases(names('anthropic'), 'beside') },
    providers: { beside: { ...standing(beside), dialects: ['messages'] } },
    sidecar: { connectTimeout: '30s', count: { wait: '30s' } },
    tenants,
    environment,
  })
  served = [
    {
      path: '/v1/chat/completions',
      double: openai,
      half: pair.ambassador,
      model: (kind) => `openai-${kind}`,
    },
    { path: '/v1/messages', double: anthropic, half: beside, model: (kind) => `anthropic-${kind}` },
  ]
  for (const { double, model } of served) {
    double.script({
      faults: Array.from({ length: 10 }, () => faults).flat(),
      model: model('rough'),
    })
  }
  await Promise.all(served.flatMap((one) => [one, one, one].map((line) => askAll(line))))
  await Promise.all(doubles.map((double) => double.whenIdle()))
  for (const { half } of served) {
    await untilCalm(half)
    const { text } = await half.page('/metrics')
    const ended = [...text.matchAll(/^outrigger_ambassador_calls_total\{.*\} (\d+)$/gm)]
    const count = ended.reduce((sum, [, value]) => sum + Number(value), 0)
    await until(() => half.lines.filter((line) => line['msg'] === 'call').length === count)
  }
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await Promise.all(doubles.map((double) => double.close()))
})

const callsPerLine = 50
const headers = { 'anthropic-version': '2023-06-01' }

/** One after the other; some leave when the first bytes have come. */
async function askAll({ path, model }: Served): Promise<void> {
  for (let at = 0; at < callsPerLine; at++) {
    const kind = at % 2 === 0 ? 'calm' : 'rough'
    const content = 'word '.repeat(1 + ((at * 7) % 40))
    const stream = at % 3 > 0
    const body = {
      model: model(kind),
      max_tokens: 20,
      stream,
      messages: [{ role: 'user', content }],
    }
    if (kind === 'rough' && at % 10 === 1) {
      const response = await open(pair.port, { path, body, headers }).catch(() => undefined)
      response?.on('error', () => undefined).destroy()
    } else await ask(pair.port, { path, body, headers })
  }
}

function sumOf(lines: readonly Line[]) {
  const sum = { input: 0, output: 0, attempts: 0 }
  for (const line of lines) {
    const { input, output } = tokens(line)
    sum.input += input
    sum.output += output
    sum.attempts += Number(line['attempts'])
  }
  return sum
}

function linesOf({ half, model }: Served, kind: Kind): Line[] {
  const own = model(kind)
  return half.lines.filter((line) => line['msg'] === 'call' && line['modelAsked'] === own)
}

function truthOf({ double, model }: Served, kind: Kind) {
  const rows: ProviderStatistics['usage'] = double.statistics().usage
  const sum = { calls: 0, input: 0, output: 0, delivered: 0 }
  for (const row of rows.filter((one) => one.model === model(kind))) {
    sum.calls += row.calls
    sum.input += row.billed.inputTokens
    sum.output += row.billed.outputTokens
    sum.delivered += row.delivered.outputTokens
  }
  return sum
}

test('where nothing fails, ledger and provider count the same, to the token', () => {
  for (const one of served) {
    const { calls, input, output } = truthOf(one, 'calm')
    assert.ok(calls > 0 && input > 0 && output > 0)
    assert.deepEqual(sumOf(linesOf(one, 'calm')), { attempts: calls, input, output })
    assert.ok(linesOf(one, 'calm').every((line) => line['tokensExact'] === true))
  }
})

test('where calls are cut, refused, tried again and left, no attempt is lost and what is unsure is marked', (context) => {
  for (const one of served) {
    const lines = linesOf(one, 'rough')
    const { calls, ...truth } = truthOf(one, 'rough')
    const sum = sumOf(lines)
    const exact = sumOf(lines.filter((line) => line['tokensExact'] === true))
    context.diagnostic(JSON.stringify({ lines: lines.length, calls, truth, sum, exact }))
    assert.equal(sum.attempts, calls)
    // What is exact the provider has billed as well.
    assert.ok(exact.output <= truth.output && exact.input <= truth.input)
    for (const line of lines) {
      if (line['outcome'] === 'ok' || line['costUsd'] === undefined) continue
      assert.equal(line['tokensExact'], false, JSON.stringify(line))
    }
    // An answer that broke off is paid as far as it came.
    assert.ok(sum.output <= truth.output * 1.1 && sum.output >= exact.output)
  }
})

test('limits and metrics hold the sums of the ledger', async () => {
  for (const { half } of served) {
    const { input, output } = sumOf(half.lines.filter((line) => line['msg'] === 'call'))
    const used = await series(half, 'outrigger_tenant_limit_used')
    const of = (unit: string) => [...used].find(([labels]) => labels.includes(`"${unit} per`))?.[1]
    assert.equal(of('tokens'), input + output)
    assert.equal((of('usd') ?? 0).toFixed(6), ((input + 2 * output) / 1e6).toFixed(6))
    const rows = await series(half, 'outrigger_ambassador_tokens_total')
    const measured = [...rows].filter(([labels]) => /type="(in|out)put"/.test(labels))
    assert.equal(
      measured.reduce((sum, [, value]) => sum + value, 0),
      input + output,
    )
  }
})
