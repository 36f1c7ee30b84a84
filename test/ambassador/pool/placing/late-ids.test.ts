import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCall } from '#ambassador/new-call.ts'
import { Placing } from '#ambassador/pool/placing/placing.ts'
import { noMeter, placingDefaults } from '#ambassador/pool/placing/placing-settings.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { bytesBody } from '#shared/http/body.ts'
import { type InboundResponse, Origins, type OutboundRequest } from '#shared/http/client.ts'
import { manualClock } from '#test/manual-clock.ts'
import { pageOf } from '../signals/pages.ts'

const cache = 'vllm:cache_config_info{engine="0",block_size="16",num_gpu_blocks="1000"} 1.0'

/** Replicas whose tokenizer answers when it is told to. */
class Slow extends Origins {
  answer = () => {}
  readonly #hold = new Promise<void>((resolve) => {
    this.answer = resolve
  })

  override async exchange({ path }: OutboundRequest): Promise<InboundResponse> {
    if (path === '/tokenize') await this.#hold
    const tokens = Array.from({ length: 1_000 }, (_, at) => at)
    const pages: Readonly<Record<string, string>> = {
      '/metrics': pageOf({}, cache),
      '/version': '{"version":"1"}',
      '/tokenize': JSON.stringify({ count: tokens.length, max_model_len: 8_192, tokens }),
    }
    const page = pages[path]
    const body = bytesBody(Buffer.from(page ?? '{}'))
    return { status: page === undefined ? 404 : 200, headers: [], body, trailers: () => ({}) }
  }
}

/** Lets promises and what hangs on them go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve()
}

test('tokens that come late are where the call has gone: the next turn finds them there', async (t) => {
  const clock = manualClock()
  const origins = new Slow()
  const addresses = ['http://a:1', 'http://b:1', 'http://c:1', 'http://d:1']
  const tokens = { source: 'remote' as const }
  const placing = new Placing(
    { clock, origins, able: () => [addresses], meter: noMeter },
    { ...placingDefaults, tokens },
  )
  t.after(() => placing.close())
  placing.configure({ ...placingDefaults, tokens })
  placing.follow(addresses)
  clock.advance(1_000)
  await settle()
  const messages = [{ role: 'user', content: 'x'.repeat(4_000) }]
  const incoming = {
    declaredBytes: 0,
    contentEncoding: undefined,
    read() {},
    pause() {},
    resume() {},
  }
  const body = Buffer.from(JSON.stringify({ messages }))
  const request = { method: 'POST', path: '/', query: '', headers: [], incoming, body }
  const ask = () => {
    const cancellation = new Cancellation()
    const given = { cancellation, clock, provider: 'p', snapshot: undefined, tokens: undefined }
    const call = { ...newCall(given), model: 'm', isStream: true }
    call.patienceUntilMs = clock.now() + 10_000
    call.deadlineMs = call.patienceUntilMs
    return { call, placed: placing.place(request, call) }
  }
  const { call, placed } = ask()
  await settle()
  clock.advance(50)
  const first = await placed
  assert.equal(first.tier, 'bytes')
  origins.answer()
  await settle()
  call.firstContentMs = 1
  const answer = bytesBody(Buffer.from('data: x\n\n'))
  const head = { status: 200, headers: ['content-type', 'text/event-stream'] }
  first.follow({ ...head, body: answer }, call).pipe({ write: () => true, end() {}, fail() {} })
  const second = await ask().placed
  assert.deepEqual([second.tier, second.origin], ['full', first.origin])
  const there = placing.view().replicas.find(({ origin }) => origin === first.origin)
  assert.ok((there?.queuedTokens ?? 1_000) <= 16, `${there?.queuedTokens} tokens to compute`)
  second.end()
})
