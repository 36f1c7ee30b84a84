import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { allSpoken, ask, codeIn, question, questions, type Spoken } from '../client.ts'
import { type Pair, type Provider, startPair, startProvider } from '../harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  // Slow enough that content has been read before the failure comes.
  provider = await startProvider({ tokenMs: 30 })
  pair = await startPair({ provider: provider.port })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/** The last event of a stream, as the dialect's clients read it. */
function lastEvent(body: string): {
  head: string
  data: { code?: unknown; error?: { code?: unknown } }
} {
  const last = body.trimEnd().split('\n\n').at(-1) ?? ''
  const at = last.lastIndexOf('data: ')
  return { head: last.slice(0, at), data: JSON.parse(last.slice(at + 6)) }
}

async function endsWithError(dialect: Spoken, fault: string, code: string): Promise<void> {
  const seen = await ask(pair.port, question(dialect, { stream: true, fault }))
  assert.equal(seen.status, 200)
  assert.equal(seen.end, 'clean')
  assert.ok(!seen.body.includes(questions[dialect].done), 'no clean terminator')
  const { head, data } = lastEvent(seen.body)
  assert.equal(data.error?.code ?? data.code, code)
  const isNamed = dialect === 'messages' || dialect === 'responses'
  assert.equal(head, isNamed ? 'event: error\n' : '')
  await provider.whenIdle()
  const lines = await pair.linesOf(String(seen.headers['x-outrigger-call']))
  assert.deepEqual([lines.ambassador['outcome'], lines.ambassador['error']], ['cut', code])
  assert.equal(lines.sidecar['outcome'], 'cut')
}

/** Events before the first content, by dialect. */
const opening = { chat: 1, completions: 0, messages: 2, responses: 4 }

/** vLLM itself garbles two: an internal error without a status, and a stream that breaks off. */
const refusals = {
  chat: [503, 'upstream-refused'],
  completions: [503, 'upstream-refused'],
  messages: [502, 'upstream-failed'],
  responses: [502, 'upstream-reset'],
} as const

for (const dialect of allSpoken) {
  const later = opening[dialect] + 2
  const midStream = {
    [`reset=${later}`]: 'upstream-reset',
    [`eof=${later}`]: 'upstream-early-end',
    [`garbage=${later}`]: 'upstream-garbage',
    // What vLLM aborts in a response says that it is complete, with what there is until then.
    ...(dialect === 'responses' ? {} : { 'abort=3': 'upstream-aborted' }),
    // Behind the first content: events of a response are larger.
    [dialect === 'responses' ? 'cut=2400' : 'cut=700']: 'upstream-reset',
  }
  for (const [fault, code] of Object.entries(midStream)) {
    test(`T3: ${fault} in a stream of ${dialect} is its error event: ${code}`, () =>
      endsWithError(dialect, fault, code))
  }

  const early = {
    'reset=0': [502, 'upstream-reset'],
    'eof=0': [502, 'upstream-early-end'],
    'garbage=0': [502, 'upstream-garbage'],
    'cut=20': [502, 'upstream-reset'],
    'refuse-in-200': refusals[dialect],
  } as const
  for (const [fault, [status, code]] of Object.entries(early)) {
    test(`T6: ${fault} before content of ${dialect} is a status: ${code}`, async () => {
      const seen = await ask(pair.port, question(dialect, { stream: true, fault }))
      assert.deepEqual([seen.status, codeIn(seen.body)], [status, code])
      assert.equal(seen.headers['content-type'], 'application/json')
      assert.equal(JSON.parse(seen.body).type, dialect === 'messages' ? 'error' : undefined)
      const lines = await pair.linesOf(String(seen.headers['x-outrigger-call']))
      assert.equal(lines.ambassador['error'], code)
    })
  }

  for (const fault of ['reset=0', 'reset=1', 'cut=20']) {
    test(`T3: ${fault} of a whole answer of ${dialect} is a status`, async () => {
      const seen = await ask(pair.port, question(dialect, { fault }))
      assert.deepEqual([seen.status, codeIn(seen.body)], [502, 'upstream-reset'])
    })
  }

  test(`T12: a refusal of the provider passes through ${dialect} as it is`, async () => {
    const asked = question(dialect, { fault: 'status=429;retry-after=7' })
    const direct = await ask(provider.port, asked)
    const seen = await ask(pair.port, asked)
    assert.equal(seen.status, 429)
    assert.equal(seen.headers['retry-after'], '7')
    assert.equal(seen.body, direct.body)
  })

  if (dialect === 'responses') continue
  test(`T3: an abort that looks like a whole answer of ${dialect} is a status`, async () => {
    const body = { max_tokens: 8 }
    const seen = await ask(pair.port, question(dialect, { fault: 'abort=2', body }))
    assert.deepEqual([seen.status, codeIn(seen.body)], [503, 'upstream-aborted'])
  })
}

test('a pair whose provider failed serves the next call', async () => {
  const seen = await ask(pair.port, question('chat', { stream: true }))
  assert.ok(seen.body.includes(questions.chat.done))
})
