import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, question, type Spoken, spoken } from './client.ts'
import { type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startPair({
    provider: provider.port,
    pool: { prices: { tiny: { input: '0.10', output: '0.30', request: '0.001' } } },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

async function ledger(dialect: Spoken, stream: boolean, fault?: string) {
  const asked = { stream, body: { max_tokens: 40 }, ...(fault === undefined ? {} : { fault }) }
  const seen = await ask(pair.port, question(dialect, asked))
  return pair.linesOf(String(seen.headers['x-outrigger-call']))
}

/** In millionths of a dollar, by the prices above. */
function due(line: Readonly<Record<string, unknown>>): number {
  const tokens = (key: string) => Number(String(line[key]).replace('~', ''))
  return tokens('inputTokens') * 0.1 + tokens('outputTokens') * 0.3 + 1_000
}

for (const dialect of spoken) {
  for (const stream of [true, false]) {
    test(`a call of ${dialect}${stream ? ', streamed,' : ''} costs what its usage says, in both ledgers`, async () => {
      const { ambassador, sidecar } = await ledger(dialect, stream)
      assert.equal(ambassador['outputTokens'], 40)
      assert.deepEqual([ambassador['costExact'], ambassador['costBasis']], [true, 'override'])
      assert.equal(
        Math.round(Number(ambassador['costUsd']) * 1e7),
        Math.round(due(ambassador) * 10),
      )
      assert.equal(sidecar['costUsd'], ambassador['costUsd'])
    })
  }

  test(`a cut stream of ${dialect} is paid as far as it was seen, as an estimate`, async () => {
    const { ambassador } = await ledger(dialect, true, 'reset=23')
    assert.deepEqual([ambassador['outcome'], ambassador['costExact']], ['cut', false])
    assert.ok(Number(ambassador['costUsd']) > 0.001 + 15 * 0.3e-6, String(ambassador['costUsd']))
    assert.equal(Math.round(Number(ambassador['costUsd']) * 1e7), Math.round(due(ambassador) * 10))
  })
}

test('what the provider refuses costs nothing', async () => {
  const { ambassador } = await ledger('chat', false, 'status=400')
  assert.deepEqual([ambassador['status'], ambassador['costUsd']], [400, undefined])
})

test('the metric adds up', async () => {
  const { text } = await pair.ambassador.page('/metrics')
  const sums = [...text.matchAll(/^outrigger_ambassador_cost_usd_total\{.*\} (\S+)$/gm)]
  const total = sums.reduce((sum, [, value]) => sum + Number(value), 0)
  const lines = pair.ambassador.lines.filter((line) => typeof line['costUsd'] === 'string')
  const due = lines.reduce((sum, line) => sum + Number(line['costUsd']), 0)
  assert.ok(lines.length >= 9)
  assert.ok(Math.abs(total - due) < 1e-9, `${total} and ${due}`)
})
