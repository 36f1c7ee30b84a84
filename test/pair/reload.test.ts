import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { ask, open, question, questions, readUntil } from './client.ts'
import { alias, type Half, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider({ tokenMs: 20 })
  pair = await startPair({ provider: provider.port })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/** Adds `models` to the file of `half`, and waits until it says what came of it. */
async function edit(half: Half, models: object): Promise<void> {
  const config = JSON.parse(await readFile(half.file, 'utf8'))
  const from = half.mark
  const text = JSON.stringify({ ...config, models: { ...config.models, ...models } })
  await writeFile(half.file, text)
  await half.line((line) => /config/i.test(String(line['msg'])), from)
}

test('a stream goes on unchanged while the configuration changes, and the next call sees it', async () => {
  const asked = question('chat', { stream: true, body: { max_tokens: 60 } })
  const still = await ask(pair.port, asked)
  const response = await open(pair.port, asked)
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  await readUntil(response, '\n\n')
  await Promise.all([edit(pair.sidecar, { fresh: alias }), edit(pair.ambassador, { fresh: alias })])
  if (!response.readableEnded) await new Promise((resolve) => response.once('end', resolve))
  const plain = (text: string) => text.replaceAll(/"created":\d+/g, '')
  assert.equal(plain(Buffer.concat(chunks).toString()), plain(still.body))
  const next = await ask(pair.port, question('chat', { body: { model: 'fresh' } }))
  assert.equal(next.status, 200)
})

test('an invalid edit changes nothing, and configz shows where it is wrong', async () => {
  const before = await readFile(pair.sidecar.file, 'utf8')
  await edit(pair.sidecar, { broken: { targets: 'tiny' } })
  const { text } = await pair.sidecar.page('/configz')
  assert.match(text, /models\.broken\.targets/)
  const seen = await ask(pair.port, question('messages', { stream: true }))
  assert.ok(seen.body.includes(questions.messages.done))
  await writeFile(pair.sidecar.file, before)
})
