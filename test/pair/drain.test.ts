import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ask, codeIn, open, question, questions, readUntil, type Spoken } from './client.ts'
import { startPair, startProvider } from './harness.ts'

/** A pair of its own, since the test ends it, with a stream under way. */
async function streaming(
  context: TestContext,
  given: { readonly dialect: Spoken; readonly grace: string; readonly fault?: string },
) {
  const provider = await startProvider({ tokenMs: 20 })
  context.after(() => provider.close())
  const drain = { drain: { delay: '50ms', grace: given.grace } }
  const pair = await startPair({ provider: provider.port, ambassador: drain })
  context.after(() => pair.close())
  const fault = given.fault === undefined ? {} : { fault: given.fault }
  const asked = question(given.dialect, { stream: true, body: { max_tokens: 40 }, ...fault })
  const response = await open(pair.port, asked)
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise<string>((resolve) =>
    response.once('close', () => resolve(Buffer.concat(chunks).toString())),
  )
  await readUntil(response, '\n\n')
  return { provider, pair, ended }
}

test('T10: an ambassador that drains is not ready, finishes its stream, refuses calls and ends with 0', async (context) => {
  const { pair, ended } = await streaming(context, { dialect: 'chat', grace: '5s' })
  pair.ambassador.signal('SIGTERM')
  await pair.ambassador.line((line) => line['msg'] === 'draining')
  assert.equal((await pair.ambassador.page('/readyz')).status, 503)
  assert.ok((await ended).includes(questions.chat.done))
  assert.equal(await pair.ambassador.exited(), 0)
  const seen = await ask(pair.port, question('chat'))
  assert.deepEqual([seen.status, codeIn(seen.body)], [503, 'connect-failed'])
})

for (const dialect of ['chat', 'messages'] as const) {
  test(`a stream of ${dialect} over the grace ends with its error event`, async (context) => {
    const given = { dialect, grace: '100ms', fault: 'stall=5' } as const
    const { pair, ended, provider } = await streaming(context, given)
    pair.ambassador.signal('SIGTERM')
    const body = await ended
    assert.match(body, /"code":"draining"/)
    assert.ok(!body.includes(questions[dialect].done))
    assert.equal(await pair.ambassador.exited(), 0)
    await provider.whenIdle()
  })
}

test('told twice, an ambassador ends at once and the stream with an error event', async (context) => {
  const given = { dialect: 'chat', grace: '1m', fault: 'stall=5' } as const
  const { pair, ended } = await streaming(context, given)
  pair.ambassador.signal('SIGTERM')
  await pair.ambassador.line((line) => line['msg'] === 'draining')
  pair.ambassador.signal('SIGTERM')
  await pair.ambassador.exited()
  assert.match(await ended, /"code":"upstream-reset"/)
})

test('T10: a sidecar that drains finishes its stream and ends with 0', async (context) => {
  const { pair, ended } = await streaming(context, { dialect: 'messages', grace: '5s' })
  pair.sidecar.signal('SIGTERM')
  assert.ok((await ended).includes(questions.messages.done))
  assert.equal(await pair.sidecar.exited(), 0)
})
