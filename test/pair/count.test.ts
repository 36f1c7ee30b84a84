import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { countTokens } from 'gpt-tokenizer/model/gpt-4o'
import { ask } from './client.ts'
import { type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider({ model: 'gpt-4o', contextTokensMax: 200_000 })
  pair = await startPair({
    provider: provider.port,
    models: {
      gpt: { targets: [{ provider: 'pool', model: 'gpt-4o' }] },
      claude: { targets: [{ provider: 'pool', model: 'claude-opus-4-1' }] },
    },
    sidecar: { count: { wait: '30s' } },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const messages = [{ role: 'user', content: 'How many tokens has this question, 世界?' }] as const

for (const stream of [true, false]) {
  test(`the application, the log and the metric have the exact count${stream ? ', streamed' : ''}`, async () => {
    const body = { model: 'gpt', max_tokens: 2, stream, messages }
    const seen = await ask(pair.port, { path: '/v1/chat/completions', body })
    assert.equal(seen.status, 200, seen.body)
    const expected = countTokens([...messages])
    assert.equal(seen.headers['x-outrigger-input-tokens'], String(expected))
    const { sidecar } = await pair.linesOf(String(seen.headers['x-outrigger-call']))
    assert.deepEqual([sidecar['countedTokens'], sidecar['countedAs']], [expected, 'formula'])
  })
}

test('what has no published tokenizer is marked as an estimate', async () => {
  const body = { model: 'claude', max_tokens: 2, messages }
  const seen = await ask(pair.port, { path: '/v1/messages', body })
  assert.match(String(seen.headers['x-outrigger-input-tokens']), /^~[1-9]\d*$/)
})

test('a question beyond what is parsed is scanned, and counts as any other', async () => {
  // Nine letters and a space are three tokens of it; the wait is longer than the count takes.
  const content = 'outrigger '.repeat(150_000)
  const body = { model: 'gpt', messages: [{ role: 'user', content }] }
  const seen = await ask(pair.port, { path: '/v1/chat/completions', body })
  const counted = Number(seen.headers['x-outrigger-input-tokens'])
  assert.equal(counted, countTokens([{ role: 'user', content }]))
})

test('the metric tells how exact the counts were', async () => {
  const { text } = await pair.sidecar.page('/metrics')
  assert.match(
    text,
    /outrigger_sidecar_counted_tokens_total\{model="gpt",exactness="formula"\} \d+/,
  )
  assert.match(
    text,
    /outrigger_sidecar_counted_tokens_total\{model="claude",exactness="estimate"\}/,
  )
})
