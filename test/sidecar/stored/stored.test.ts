import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { readBody } from '#shared/http/body.ts'
import { Origins } from '#shared/http/client.ts'
import { Addresses } from '../../../sidecar/addresses/addresses.ts'
import type { SidecarCall } from '../../../sidecar/call.ts'
import { stored } from '../../../sidecar/stored/stored.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'
import { answered, callOf, requestOf } from '../sidecar-call.ts'
import { longFor, sealedFor } from './bound-call.ts'

interface Stage {
  readonly clock: ManualClock
  /** `PROVIDER METHOD PATH` of each call that came. */
  readonly heard: string[]
  readonly call: () => SidecarCall
  /** The answer, or `passed` where the layer left it to those below. */
  readonly ask: (method: string, path: string, call?: SidecarCall) => Promise<string>
}

/** Two ambassadors, `a` and `b`, behind a sidecar that knows both. */
async function stage(context: TestContext): Promise<Stage> {
  const heard: string[] = []
  const addressOf: Record<string, string> = {}
  for (const provider of ['a', 'b']) {
    const server = createServer((request, response) => {
      heard.push(`${provider} ${request.method} ${request.url}`)
      response.end(`of ${provider}`)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    context.after(() => server.closeAllConnections())
    context.after(() => void server.close())
    const place = server.address()
    assert.ok(typeof place === 'object' && place !== null)
    addressOf[provider] = `127.0.0.1:${place.port}`
  }
  const hosted = { kind: 'openai-compatible', baseUrl: 'http://localhost/v1' }
  const providers = Object.fromEntries(
    Object.entries(addressOf).map(([name, address]) => [name, { ...hosted, address }]),
  )
  const loaded = parseConfig(JSON.stringify({ providers }), 'test')
  assert.ok(loaded.ok)
  const { config } = loaded
  const clock = manualClock()
  const origins = new Origins()
  context.after(() => origins.destroy())
  const trust = { current: undefined }
  const addresses = new Addresses({ origins, trust, clock })
  const service = stored({ addresses, token: undefined, trust })(async () => answered(299))
  const call = () => {
    const made = callOf(clock)
    assert.ok(made.snapshot !== undefined)
    return { ...made, snapshot: { ...made.snapshot, config }, route: undefined }
  }
  const ask: Stage['ask'] = async (method, path, made = call()) => {
    const answer = await service({ ...requestOf(''), method, path }, made)
    if (answer.status === 299) return 'passed'
    const text = String(await readBody(answer.body, 1_000))
    for (const undo of made.atEnd) undo()
    return text
  }
  return { clock, heard, call, ask }
}

function refusedAs(code: string, words: RegExp) {
  return (error: unknown) =>
    error instanceof CallError && error.code === code && words.test(error.message)
}

test('what is asked of a stored response goes to the provider that its id names', async (context) => {
  const { ask, heard } = await stage(context)
  for (const id of [sealedFor('resp_0f', 'b'), longFor('resp_0f', 'b')]) {
    const path = `/v1/responses/${id}`
    assert.equal(await ask('GET', path), 'of b')
    assert.equal(await ask('DELETE', path), 'of b')
    assert.equal(await ask('POST', `${path}/cancel`), 'of b')
    assert.equal(await ask('GET', `${path}/input_items`), 'of b')
    const methods = ['GET', 'DELETE', 'POST', 'GET']
    const suffixes = ['', '', '/cancel', '/input_items']
    const wanted = methods.map((method, at) => `b ${method} ${path}${suffixes[at]}`)
    assert.deepEqual(heard.splice(0), wanted)
  }
})

test('another tenant’s id goes there too: whose it is is proven by the ambassador', async (context) => {
  const { ask, heard } = await stage(context)
  const foreign = sealedFor('resp_0f', 'a', 'team-b')
  assert.equal(await ask('GET', `/v1/responses/${foreign}`), 'of a')
  assert.deepEqual(heard, [`a GET /v1/responses/${foreign}`])
})

test('an id of no provider is found nowhere, and nobody is asked', async (context) => {
  const { ask, heard, clock } = await stage(context)
  const gone = [sealedFor('resp_0f', 'gone'), longFor('resp_0f', 'gone'), longFor('resp_0f', 'c')]
  for (const id of ['resp_0f', 'resp_-', 'x', '%zz', 'a~b', ...gone]) {
    const missing = refusedAs('stored-not-found', /Response with id '.*' not found/)
    await assert.rejects(ask('GET', `/v1/responses/${id}`), missing, id)
  }
  assert.deepEqual(heard, [])
  assert.equal(clock.pending(), 0)
})

test('a provider is no word of the object’s own', async (context) => {
  const { ask } = await stage(context)
  const id = longFor('resp_0f', 'constructor')
  await assert.rejects(ask('GET', `/v1/responses/${id}`), refusedAs('stored-not-found', /found/))
})

test('a method that a path does not have is refused in words', async (context) => {
  const { ask, heard } = await stage(context)
  const path = `/v1/responses/${sealedFor('resp_0f', 'b')}`
  for (const [method, at, allowed] of [
    ['PUT', '', 'GET or DELETE'],
    ['POST', '', 'GET or DELETE'],
    ['GET', '/cancel', 'POST'],
    ['DELETE', '/input_items', 'GET'],
  ] as const) {
    const wrong = refusedAs('method-not-allowed', new RegExp(`use ${allowed}$`))
    await assert.rejects(ask(method, path + at), wrong)
  }
  assert.deepEqual(heard, [])
})

test('everything else passes', async (context) => {
  const { ask, heard } = await stage(context)
  const id = sealedFor('resp_0f', 'b')
  const paths = ['/v1/responses', '/v1/responses/', '/v1/responses/input_tokens', '/v1/models']
  for (const path of [...paths, `/v1/responses/${id}/output`, `/v1/files/${id}`]) {
    assert.equal(await ask('POST', path), 'passed', path)
  }
  assert.deepEqual(heard, [])
})

test('the deadline of the call is that of the question, and its timer ends with it', async (context) => {
  const { ask, call, clock } = await stage(context)
  const path = `/v1/responses/${sealedFor('resp_0f', 'b')}`
  assert.equal(await ask('GET', path), 'of b')
  assert.equal(clock.pending(), 0)
  const late = call()
  const asked = ask('GET', path, late)
  clock.advance(late.deadlineMs)
  await assert.rejects(asked, refusedAs('deadline-exceeded', /deadline/))
  for (const undo of late.atEnd) undo()
})
