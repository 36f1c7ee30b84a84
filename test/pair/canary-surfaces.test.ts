import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Asking, askings } from './bad-input-bodies.ts'
import { plainProvider } from './bad-input-idle.ts'
import { application, assertClean, prompt, said, secret, startCanaries } from './canary-pair.ts'
import { ask, type Seen } from './client.ts'
import { type Pair, type Provider, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startCanaries(provider, plainProvider(provider.port))
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const messages = [{ role: 'user', content: prompt }]
const words: Readonly<Record<Asking['dialect'], object>> = {
  chat: { messages, max_tokens: 2 },
  completions: { prompt, max_tokens: 2 },
  embeddings: { input: prompt },
  messages: { messages, system: prompt, max_tokens: 2 },
  responses: { input: prompt, instructions: prompt, max_output_tokens: 16 },
}
const faults = ['', 'reset=0', 'reset=4', 'eof=4', 'garbage=0', 'garbage=4', 'status=400']

/** What passes as it is, with the prompt where such a question has it. */
const passed: Readonly<Record<string, object>> = {
  '/v1/moderations': { model: 'tiny', input: prompt },
  '/v1/rerank': { model: 'tiny', query: prompt, documents: [prompt] },
  '/v1/images/generations': { model: 'tiny', prompt },
  '/v1/audio/speech': { model: 'tiny', input: prompt, voice: 'alloy' },
}

/** The question, and the same one broken: nobody may quote the place. */
function bodiesOf(body: object): readonly (string | object)[] {
  const whole = JSON.stringify(body)
  const ending = `,"${prompt}":${prompt}}`
  return [body, { ...body, stream: true }, whole.slice(0, -3), whole.slice(0, -1) + ending]
}

/** What is broken is refused by us, without its words; what is not, a provider may repeat. */
function isTold(asked: string | object, { status, body }: Pick<Seen, 'status' | 'body'>): void {
  assert.ok(!body.includes(secret), body)
  if (typeof asked !== 'string') return
  assert.ok(status >= 400 && status < 500, body)
  assert.ok(!body.includes(prompt), body)
}

for (const asking of askings) {
  test(`neither prompt nor secret of ${asking.path} is written down, whatever fails`, async () => {
    const { path } = asking
    let last: unknown
    for (const fault of faults) {
      for (const body of bodiesOf({ model: 'tiny', ...words[asking.dialect] })) {
        const headers = { ...application, 'x-sim-fault': fault }
        const seen = await ask(pair.port, { path, body, headers })
        isTold(body, seen)
        last = seen.headers['x-outrigger-call']
      }
    }
    await pair.sidecar.line(({ msg, call }) => msg === 'call' && call === last)
    assertClean(await said(pair))
  })
}

for (const [path, body] of Object.entries(passed)) {
  test(`neither prompt nor secret of ${path} is written down`, async () => {
    let last: unknown
    for (const each of bodiesOf(body)) {
      const seen = await ask(pair.port, { path, body: each, headers: application })
      isTold(each, seen)
      last = seen.headers['x-outrigger-call']
    }
    await pair.sidecar.line(({ msg, call }) => msg === 'call' && call === last)
    assertClean(await said(pair))
  })
}
