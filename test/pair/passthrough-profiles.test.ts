import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { offersOf } from '#ambassador/passthrough/offers.ts'
import { profileOf } from '#ambassador/providers/profile.ts'
import { parseConfig } from '#shared/config/load.ts'
import { type Passable, passables } from '#shared/passthrough/passable.ts'
import type { Got, TenantName } from './passthrough-stage.ts'
import { model, ProfilesStage, type Row, rowsAt } from './profiles-stage.ts'

/** Numbers, spaces and letters that a second writing would change. */
const bytesFor = (name: string) =>
  `{ "z":[1.0,1e2,"\u00fc\\u00fc"],\n"model" : ${JSON.stringify(model(name))},"input":"x"}`

/** What has no form of its own: JSON is asked of it, and a form. */
const takesForms = (form: string) => /audio\/tr|images\/(?:edits|variations)/.test(form)

describe('what passes, by the profile of its provider', { concurrency: 1 }, () => {
  let stage: ProfilesStage

  before(async () => {
    stage = await ProfilesStage.start()
  })
  after(async () => stage?.close())

  interface Answer {
    readonly status: number
    readonly headers: Headers
    readonly text: string
    readonly got: Got | undefined
  }

  const ask = async (tenant: TenantName, path: string, init: Asked): Promise<Answer> => {
    const id = randomUUID()
    const headers = { 'content-type': 'application/json', ...init.headers, 'x-request-id': id }
    const response = await fetch(stage.url(tenant) + path, { ...init, headers })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, got: stage.heard(id) }
  }

  const rowOf = (name: string): Row => {
    const row = stage.rows.find((one) => one.name === name)
    assert.ok(row !== undefined)
    return row
  }

  /** The request on the wire: method, path and query, key, bytes. */
  const assertWire = (row: Row, got: Got | undefined, wanted: Wanted) => {
    const { path, method, key, text } = wanted
    const { wirePath, wireQuery, authOf } = row
    const query = wireQuery === undefined ? 'a=b%20c' : `a=b%20c&${wireQuery}`
    assert.equal(got?.method, method)
    assert.equal(got.url, `${wirePath(path)}?${query}`)
    const [name, value] = authOf(key)
    // A pool of this stage asks for none.
    if (row.name !== 'vllm') assert.equal(got.headers[name], value)
    for (const other of ['authorization', 'api-key', 'x-api-key']) {
      if (other !== name) assert.equal(got.headers[other], undefined)
    }
    assert.equal(Buffer.from(got.text, 'latin1').toString(), text)
  }

  const assertQuestion = async (row: Row, { form, name }: Passable) => {
    const body = bytesFor(row.name)
    const key = 'key-of-all'
    const answer = await ask('team-b', `${form}?a=b%20c`, { method: 'POST', body })
    assert.equal(answer.status, 200, `${form} ${answer.text}`)
    assert.equal(answer.text, '{"ok":true}')
    assertWire(row, answer.got, { path: form, method: 'POST', key, text: body })
    assert.equal(answer.headers.get('x-ratelimit-limit-requests'), '100000')
    const call = answer.headers.get('x-outrigger-call')
    for (const half of [stage.sidecar('team-b'), stage.ambassador(row.name)]) {
      const line = await half.line((one) => one['msg'] === 'call' && one['call'] === call)
      assert.deepEqual([line['dialect'], line['surface']], [name, form])
    }
    if (takesForms(form)) await assertForm(row, form)
  }

  /** Its second half is written when the provider has the first. */
  const assertForm = async (row: Row, form: string) => {
    const part = (name: string) => `--b\r\ncontent-disposition: form-data; name="${name}"`
    const first = `${part('model')}\r\n\r\n${model(row.name)}\r\n${part('file')}; filename="a"\r\n\r\n`
    const half = '\u0000\u00ff--'.repeat(8_000)
    const last = `${half}\r\n--b--\r\n`
    const begun = new Promise((resolve) => stage.provider.once('bytes', resolve))
    async function* pieces() {
      yield Buffer.from(first + half, 'latin1')
      await begun
      yield Buffer.from(last, 'latin1')
    }
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    const init = { method: 'POST', headers, body: pieces(), duplex: 'half' } as const
    const answer = await ask('team-b', `${form}?a=b%20c`, init)
    assert.equal(answer.status, 200, `${form} ${answer.text}`)
    assert.equal(answer.got?.headers['content-type'], headers['content-type'])
    assert.ok(answer.got.text === first + half + last)
    assert.equal(answer.got.url?.split('?')[0], row.wirePath(form))
  }

  const assertStored = async (row: Row, { form, methods }: Passable) => {
    const path = form.replace('{id}', 'file-abc_1').replace('{rest}', 'vs_1/files/file-2')
    for (const method of methods) {
      const text = method === 'POST' ? '{"a": 1.0}' : ''
      const headers = { 'x-outrigger-provider': row.name }
      const init = { method, headers, ...(text === '' ? {} : { body: text }) }
      const refused = await ask('team-b', `${path}?a=b%20c`, init)
      // Who has stored nothing asks for an answer there, with the wrong method.
      const isQuestion = form === '/v1/chat/completions'
      assert.equal(refused.status, isQuestion ? 405 : 403, `${method} ${path} ${refused.text}`)
      assert.match(refused.text, isQuestion ? /use POST/ : /credential with 'tenant: team-b'/)
      assert.equal(refused.got, undefined)
      const answer = await ask('team-a', `${path}?a=b%20c`, init)
      assert.equal(answer.status, 200, `${method} ${path} ${answer.text}`)
      // Of two that the tenant owns always the first, however much the other weighs.
      assertWire(row, answer.got, { path, method, key: 'first-key', text })
    }
  }

  const assertAbsent = async ({ name }: Row, { form, methods, needs }: Passable) => {
    const path = form.replace('{id}', 'x').replace('{rest}', 'x')
    const [method = 'GET'] = methods
    const headers = { 'x-outrigger-provider': name }
    const body = needs === 'model' ? { body: bytesFor(name) } : {}
    const answer = await ask('team-a', path, { method, headers, ...body })
    const isQuestion = form === '/v1/chat/completions'
    assert.equal(answer.status, isQuestion ? 405 : 404, `${method} ${path} ${answer.text}`)
    assert.match(answer.text, isQuestion ? /use POST/ : new RegExp(`provider '${name}' has not`))
    assert.equal(answer.got, undefined)
  }

  for (const { name, provider } of rowsAt('http://localhost')) {
    const offered = offeredBy(name, provider)
    test(`${name} has ${offered.join(', ')}`, async () => {
      const row = rowOf(name)
      const seen = new Set<string>()
      for (const passable of passables) {
        const isFirst = !seen.has(passable.name)
        seen.add(passable.name)
        if (!offered.includes(passable.name)) {
          if (isFirst) await assertAbsent(row, passable)
        } else if (passable.needs === 'model') await assertQuestion(row, passable)
        else await assertStored(row, passable)
      }
    })
  }

  test('a target that has no such path is passed over for the next, whatever its fallback says', async () => {
    const body = '{"model":"several","input":"x"}'
    const spoken = await ask('team-b', '/v1/audio/speech', { method: 'POST', body })
    assert.equal(spoken.status, 200, spoken.text)
    assert.equal(spoken.got?.url, '/openai/v1/audio/speech')
    assert.equal(JSON.parse(spoken.got.text).model, model('groq'))
    const passed = spoken.headers.get('x-outrigger-passed-over')
    assert.equal(passed, `xai/${model('xai')}=not-offered`)
    const drawn = await ask('team-b', '/v1/images/generations', { method: 'POST', body })
    assert.equal(drawn.got?.url, '/v1/images/generations')
    assert.equal(drawn.headers.get('x-outrigger-passed-over'), null)
    const nobody = await ask('team-b', '/v1/moderations', { method: 'POST', body })
    assert.equal(nobody.status, 404)
    assert.match(nobody.text, /provider 'groq' has not/)
  })

  test('what a question names is looked for where its tenant stores; others go by weight', async () => {
    const keysOf = async (path: string, body: object) => {
      const keys = new Set<unknown>()
      for (let at = 0; at < 12; at++) {
        const text = JSON.stringify({ model: model('openai'), ...body })
        const { got } = await ask('team-a', path, { method: 'POST', body: text })
        keys.add(got?.headers.authorization)
      }
      return [...keys]
    }
    const file = { type: 'file', file: { file_id: 'file-1' } }
    const chat = { messages: [{ role: 'user', content: [file] }] }
    assert.deepEqual(await keysOf('/v1/chat/completions', chat), ['Bearer first-key'])
    const input = [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }]
    assert.deepEqual(await keysOf('/v1/responses', { input }), ['Bearer first-key'])
    const images = { images: [{ file_id: 'file-1' }] }
    assert.deepEqual(await keysOf('/v1/images/edits', images), ['Bearer first-key'])
    // A thousand to one.
    const plain = await keysOf('/v1/moderations', { input: 'file_id' })
    assert.ok(plain.includes('Bearer second-key'))
    assert.ok(!plain.includes('Bearer key-of-all'))
  })
})

interface Asked extends Omit<RequestInit, 'headers'> {
  readonly headers?: Readonly<Record<string, string>>
}

interface Wanted {
  readonly path: string
  readonly method: string
  readonly key: string
  readonly text: string
}

/** What the profile offers, by the parsed configuration. */
function offeredBy(name: string, provider: object) {
  const keys = [{ name: 'k', secret: 'K' }]
  const isPool = 'kind' in provider && provider.kind === 'vllm'
  const given = { ...provider, ...(isPool ? {} : { credentials: keys }) }
  const loaded = parseConfig(JSON.stringify({ providers: { [name]: given } }), 'test')
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.problems))
  const parsed = loaded.config.providers[name]
  assert.ok(parsed !== undefined && profileOf(parsed) !== undefined)
  return offersOf(parsed)
}
