import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { allSpoken, ask, question, type Spoken } from './client.ts'
import { type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startPair({ provider: provider.port })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

async function outputOf(dialect: Spoken, fault?: string) {
  const body = dialect === 'responses' ? { max_output_tokens: 200 } : { max_tokens: 200 }
  const asked = { stream: true, body, ...(fault === undefined ? {} : { fault }) }
  const seen = await ask(pair.port, question(dialect, asked))
  assert.equal(seen.status, 200)
  const lines = await pair.linesOf(String(seen.headers['x-outrigger-call']))
  const tokens = Number(String(lines.ambassador['outputTokens']).replace('~', ''))
  return { tokens, line: lines.ambassador, seen }
}

for (const dialect of allSpoken) {
  test(`T3: a cut stream of ${dialect} is settled by what was seen of it, as an estimate`, async () => {
    const whole = await outputOf(dialect)
    assert.deepEqual([whole.tokens, whole.line['tokensExact']], [200, true])
    const cut = await outputOf(dialect, 'reset=103')
    assert.deepEqual([cut.line['outcome'], cut.line['tokensExact']], ['cut', false])
    // The server writes one token an event; some of the 103 open the stream or its blocks.
    assert.ok(cut.tokens >= 85 && cut.tokens <= 115, String(cut.tokens))
  })
}
