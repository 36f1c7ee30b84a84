import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { application, assertClean, prompt, said, secret, startCanaries } from './canary-pair.ts'
import { ask, question, say, spoken } from './client.ts'
import { type Pair, type Provider, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startCanaries(provider)
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const faults = ['', 'reset=0', 'reset=4', 'eof=4', 'garbage=0', 'garbage=4', 'refuse-in-200']

test('neither prompt nor secret is in an error, a log, a metric or a page', async () => {
  const errors: string[] = []
  for (const dialect of spoken) {
    const words = { messages: [{ role: 'user', content: prompt }], prompt }
    const kinds = faults.flatMap((fault) => [true, false].map((stream) => ({ fault, stream })))
    for (const { fault, stream } of kinds) {
      const body = dialect === 'completions' ? { prompt } : { messages: words.messages }
      const asked = question(dialect, { stream, body, ...(fault === '' ? {} : { fault }) })
      const headers = { ...asked.headers, ...application }
      const seen = await ask(pair.port, { ...asked, headers })
      if (fault !== '') errors.push(seen.body)
    }
    const { path } = question(dialect)
    const broken = [
      `{"model":"tiny",${prompt}}`,
      `{"model":"tiny","a":"${prompt}`,
      prompt,
      `"${prompt}"`,
    ]
    for (const body of broken) {
      errors.push((await ask(pair.port, { path, body, headers: application })).body)
    }
  }
  errors.push(await say(pair.port, `GET / HTTP/1.1\r\nhost: x\r\nbad name: ${secret}\r\n\r\n`))
  const last = await ask(pair.port, question('chat'))
  assert.equal(last.status, 200)
  await pair.linesOf(String(last.headers['x-outrigger-call']))

  assertClean([...errors, ...(await said(pair))])
})

test('a secret written into the configuration itself is refused and shown nowhere', async () => {
  const from = pair.sidecar.mark
  const wrong = { sidecar: { secret: { value: secret } } }
  await writeFile(pair.sidecar.file, JSON.stringify(wrong))
  await pair.sidecar.line((line) => line['level'] === 'error' || line['level'] === 'warn', from)
  const { text } = await pair.sidecar.page('/configz')
  assert.match(text, /sidecar\.secret/)
  assert.ok(!text.includes(secret) && !pair.sidecar.output.includes(secret))
})
