import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { probeRequest } from '../../../ambassador/providers/probe-request.ts'
import { profileOf } from '../../../ambassador/providers/profile.ts'
import { type Answer, type Question, startFor } from './ambassador.ts'
import {
  chatStream,
  chatWhole,
  completionWhole,
  embeddingWhole,
  messagesStream,
  messagesWhole,
  responseWhole,
} from './answers.ts'
import { type Received, type Reply, startVendor } from './vendor-server.ts'
import type { Vendor } from './vendors.ts'

const dialects: readonly Dialect[] = ['chat', 'completions', 'embeddings', 'messages', 'responses']

const messages = [{ role: 'user', content: 'hello' }]

const questions: Readonly<Record<Dialect, { readonly path: string; readonly body: object }>> = {
  chat: { path: '/v1/chat/completions', body: { model: 'alias', messages } },
  completions: { path: '/v1/completions', body: { model: 'alias', prompt: 'hello' } },
  embeddings: { path: '/v1/embeddings', body: { model: 'alias', input: 'hello' } },
  messages: { path: '/v1/messages', body: { model: 'alias', max_tokens: 9, messages } },
  responses: { path: '/v1/responses', body: { model: 'alias', input: 'hello' } },
}

function question(dialect: Dialect, more: object = {}): Question {
  const { path, body } = questions[dialect]
  return { path, body: { ...body, ...more } }
}

/** What the vendor says to a question, told by the end of its path. */
function reply(vendor: Vendor, { url, body }: Received): Reply {
  const asked = JSON.parse(body)
  const { pathname } = new URL(url, 'http://vendor')
  const { chat } = vendor
  if (pathname.endsWith('_tokens')) return { status: 200, body: '{"input_tokens": 7}' }
  if (pathname.endsWith('/messages')) {
    return { status: 200, body: asked.stream ? messagesStream() : messagesWhole() }
  }
  if (pathname.endsWith('/embeddings')) return { status: 200, body: embeddingWhole() }
  if (pathname.endsWith('/responses')) return { status: 200, body: responseWhole() }
  assert.ok(chat !== undefined)
  if (!pathname.endsWith('/chat/completions')) {
    return { status: 200, body: completionWhole(chat.usage) }
  }
  if (!asked.stream) return { status: 200, body: chatWhole(chat) }
  return { status: 200, body: chatStream(chat, asked.stream_options?.include_usage === true) }
}

async function start(context: TestContext, vendor: Vendor, answer?: Reply) {
  const server = await startVendor(context, (received) => answer ?? reply(vendor, received))
  const { ask } = await startFor(context, configured(vendor, server.origin))
  const got = (): Received => {
    const [one, ...more] = server.received
    assert.ok(one !== undefined && more.length === 0)
    return one
  }
  return { ask, got }
}

function configured(vendor: Vendor, origin: string) {
  return { ...vendor.provider(origin), credentials: [vendor.credential] }
}

function providerOf(vendor: Vendor) {
  const large = { targets: [{ provider: 'p', model: 'large' }] }
  const p = configured(vendor, 'http://vendor')
  const loaded = parseConfig(JSON.stringify({ models: { large }, providers: { p } }), 'test')
  const provider = loaded.ok ? loaded.config.providers['p'] : undefined
  assert.ok(provider !== undefined)
  return provider
}

function assertUsage({ usage }: Answer, means: object): void {
  assert.ok(usage !== undefined)
  const { input, cached, cacheWrite, output, reasoning, isExact } = usage
  const none = { input: 0, cached: 0, cacheWrite: 0, output: 0, reasoning: 0, isExact: true }
  assert.deepEqual({ input, cached, cacheWrite, output, reasoning, isExact }, { ...none, ...means })
}

/** What every provider has to do, whatever its wire. */
export function suite(vendor: Vendor): void {
  const { name } = vendor
  const spoken = dialects.filter((one) => vendor.paths[one])

  test(`${name}: the dialects that are spoken unasked are those it is known for`, () => {
    assert.deepEqual(providerOf(vendor).dialects.toSorted(), spoken.toSorted())
  })

  for (const dialect of spoken) {
    test(`${name}: a ${dialect} question goes to its path, with our key and no other`, async (context) => {
      const { ask, got } = await start(context, vendor)
      const asked = question(dialect, { unknown_member: [1, 'x'] })
      assert.equal((await ask(asked)).status, 200)
      const { method, url, headers, body } = got()
      assert.deepEqual([method, url], ['POST', vendor.paths[dialect]])
      const [header, value] = vendor.auth
      assert.equal(headers[header], value)
      const whole = JSON.stringify([headers, body])
      assert.doesNotMatch(whole, /callers-|key-two|key-never|x-outrigger/)
      assert.equal(whole.split('key-one').length, 2)
      const { model = 'large' } = vendor
      assert.deepEqual(JSON.parse(body), { ...asked.body, model })
    })
  }

  if (vendor.chat !== undefined) chatSuite(vendor)
  if (vendor.paths.messages !== undefined) messagesSuite(vendor)
  boundSuite(vendor, spoken)
  passSuite(vendor, spoken[0] ?? 'chat')
  countSuite(vendor)

  test(`${name}: a probe asks for what costs nothing`, () => {
    const provider = providerOf(vendor)
    const credential = provider.credentials[0]
    assert.ok(credential !== undefined)
    const probe = probeRequest(provider, { credential, value: 'key-one' })
    assert.equal(probe?.path, vendor.probe)
    if (probe === undefined) return
    const at = probe.headers.indexOf(vendor.auth[0])
    assert.deepEqual([probe.method, probe.headers[at + 1]], ['GET', vendor.auth[1]])
  })
}

function chatSuite(vendor: Vendor): void {
  const { name, chat, chatMeans = {} } = vendor
  if (chat === undefined) return
  const { usage: facts } = profileOf(providerOf(vendor))

  test(`${name}: a whole answer passes, and its usage is understood`, async (context) => {
    const { ask } = await start(context, vendor)
    const answer = await ask(question('chat'))
    assert.equal(answer.body, chatWhole(chat))
    assertUsage(answer, chatMeans)
    const total = chat.usage['total_tokens']
    if (typeof total === 'number' && answer.usage?.reasoning !== 0) {
      const { input = 0, output = 0 } = answer.usage ?? {}
      assert.equal(total, input + output)
    }
  })

  test(`${name}: a stream passes, and its usage is understood`, async (context) => {
    const { ask, got } = await start(context, vendor)
    const answer = await ask(question('chat', { stream: true }))
    // What we asked for besides is taken out again.
    assert.equal(answer.body, chatStream(chat, false).join(''))
    if (chat.told === 'never') assert.equal(answer.usage?.isExact, false)
    else assertUsage(answer, chatMeans)
    const { stream_options: sent } = JSON.parse(got().body)
    assert.deepEqual(sent, facts.ofStreams === 'asked' ? { include_usage: true } : undefined)
  })

  test(`${name}: a caller that asks for usage gets the chunk that tells it`, async (context) => {
    const { ask } = await start(context, vendor)
    const options = { stream: true, stream_options: { include_usage: true } }
    const answer = await ask(question('chat', options))
    assert.equal(answer.body, chatStream(chat, true).join(''))
  })
}

function messagesSuite(vendor: Vendor): void {
  const means = { input: 38, cached: 32, output: 4 }

  test(`${vendor.name}: whole messages and their streams pass, usage is understood`, async (context) => {
    const { ask } = await start(context, vendor)
    const whole = await ask(question('messages'))
    assert.equal(whole.body, messagesWhole())
    assertUsage(whole, means)
    const stream = await ask(question('messages', { stream: true }))
    assert.equal(stream.body, messagesStream().join(''))
    assertUsage(stream, means)
  })
}

/** Answers of at most 50 tokens: what is asked of the vendor, by what the caller says itself. */
function boundSuite({ bound, ...vendor }: Vendor, spoken: readonly Dialect[]): void {
  const { name, model = 'large' } = vendor
  const headers = { 'x-outrigger-output-max': '50' }
  for (const dialect of spoken) {
    test(`${name}: a cap of a ${dialect} answer goes in the word that the vendor knows`, async (context) => {
      const server = await startVendor(context, (received) => reply({ ...vendor, bound }, received))
      const { ask } = await startFor(context, configured({ ...vendor, bound }, server.origin))
      const sent = async (more: object) => {
        const { path, body } = question(dialect)
        const { max_tokens: _, ...rest } = { max_tokens: 0, ...body }
        await ask({ path, body: { ...rest, ...more }, headers })
        const got = JSON.parse(server.received.at(-1)?.body ?? '{}')
        // All that is not said here is as it was asked.
        for (const [key, value] of Object.entries(rest)) {
          assert.deepEqual(got[key], key === 'model' ? model : value)
          delete got[key]
        }
        return got
      }
      const only = dialect === 'responses' ? 'max_output_tokens' : 'max_tokens'
      const word = dialect === 'chat' ? bound : only
      assert.deepEqual(await sent({}), dialect === 'embeddings' ? {} : { [word]: 50 })
      if (dialect === 'embeddings') return
      assert.deepEqual(await sent({ [only]: 30 }), { [only]: 30 })
      assert.deepEqual(await sent({ [only]: 70 }), { [only]: 50 })
      if (dialect !== 'chat') return
      const besides = name === 'ollama' ? { max_tokens: 50 } : {}
      const asked = await sent({ max_completion_tokens: 70 })
      assert.deepEqual(asked, { max_completion_tokens: 50, ...besides })
    })
  }
}

function passSuite(vendor: Vendor, dialect: Dialect): void {
  test(`${vendor.name}: headers and query of the caller pass, but for its secrets`, async (context) => {
    const { ask, got } = await start(context, vendor)
    const headers = {
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'one,two',
      'http-referer': 'https://application.example',
      'x-title': 'Application',
      'x-ms-spillover-deployment': 'spare',
    }
    const { path, body } = question(dialect)
    await ask({ path: `${path}?beta=true&x=%2F`, body, headers })
    const seen = got()
    const passed = Object.keys(headers).map((name) => [name, seen.headers[name]])
    assert.deepEqual(Object.fromEntries(passed), headers)
    assert.ok(new URL(seen.url, 'http://vendor').search.startsWith('?beta=true&x=%2F'))
  })

  test(`${vendor.name}: a refusal passes as it was written`, async (context) => {
    const { status, body } = vendor.refusal
    const own = { 'x-request-id': 'vendors', 'x-vendor-fact': '59' }
    const { ask } = await start(context, vendor, { status, body, headers: own })
    const answer = await ask(question(dialect))
    assert.deepEqual([answer.status, answer.body], [status, body])
    for (const [name, value] of Object.entries(own)) assert.equal(answer.headers[name], value)
  })
}

const countPaths = ['/v1/messages/count_tokens', '/v1/responses/input_tokens']

function countSuite(vendor: Vendor): void {
  for (const path of countPaths) {
    const wanted = vendor.counts?.[path]
    const does = wanted === undefined ? 'is not offered' : 'is answered by the provider'
    test(`${vendor.name}: a count on ${path} ${does}`, async (context) => {
      const { ask, got } = await start(context, vendor)
      const headers = { 'x-outrigger-output-max': '50' }
      const answer = await ask({ path, body: { model: 'alias', messages }, headers })
      assert.equal(answer.status, wanted === undefined ? 404 : 200)
      if (wanted === undefined) return
      assert.equal(answer.body, '{"input_tokens": 7}')
      assert.deepEqual([got().url, got().headers[vendor.auth[0]]], [wanted, vendor.auth[1]])
      // What is only counted has no answer to cap.
      assert.deepEqual(JSON.parse(got().body), { model: vendor.model ?? 'large', messages })
    })
  }
}
