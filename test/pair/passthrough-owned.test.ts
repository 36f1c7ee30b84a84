import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI, { toFile } from 'openai'
import { offersOf } from '#ambassador/passthrough/offers.ts'
import { passables } from '#shared/passthrough/passable.ts'
import { type Got, PassthroughStage } from './passthrough-stage.ts'

const ofOpenai = { 'x-outrigger-provider': 'pool' }

describe('what is stored', { concurrency: 1 }, () => {
  let stage: PassthroughStage

  before(async () => {
    stage = await PassthroughStage.start({ uploadMax: '4MiB' })
  })
  after(async () => stage?.close())

  // Whose the others are is asked profile by profile.
  const openais = offersOf({ kind: 'openai' })
  const paths = passables.filter(({ needs, name }) => needs === 'owner' && openais.includes(name))
  for (const { form, methods } of paths) {
    test(`${form} is for who owns a key alone, byte for byte`, async () => {
      const path = form.replace('{id}', 'file-abc_1').replace('{rest}', 'vs_1/files/file-2')
      for (const method of methods) {
        const sent = {
          method,
          headers: { ...ofOpenai, 'content-type': 'application/json' },
          ...(method === 'POST' ? { body: '{"a": 1.0}' } : {}),
        }
        const { provider } = stage
        const asked = provider.got.length
        const refused = await fetch(`${stage.url('team-b')}${path}?limit=2`, sent)
        // Who has stored nothing asks for an answer there, with the wrong method.
        const isQuestion = form === '/v1/chat/completions'
        assert.equal(refused.status, isQuestion ? 405 : 403)
        const words = isQuestion ? /use POST/ : /credential with 'tenant: team-b'/
        assert.match(await refused.text(), words)
        assert.equal(provider.got.length, asked)
        const answer = await fetch(`${stage.url('team-a')}${path}?limit=2`, sent)
        assert.equal(answer.status, 200, await answer.text())
        assert.equal(provider.last.method, method)
        assert.equal(provider.last.url, `${path}?limit=2`)
        assert.equal(provider.last.headers.authorization, 'Bearer key-of-team-a')
        assert.equal(provider.last.text, sent.body ?? '')
      }
    })
  }

  test('the official SDK stores files and batches with the key of its own tenant', async () => {
    const file = () => toFile(Buffer.from('{"custom_id":"1"}\n'), 'lines.jsonl')
    const client = stage.openai('team-a')
    const made = { id: 'file-1', object: 'file' }
    stage.provider.reply = { type: 'application/json', pieces: [JSON.stringify(made)] }
    const stored = await client.files.create({ file: await file(), purpose: 'batch' })
    assert.equal(stored.id, 'file-1')
    assert.match(stage.provider.last.text, /name="purpose"\r\n\r\nbatch\r\n/)
    const batch = {
      input_file_id: 'file-1',
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    } as const
    await client.batches.create(batch)
    assert.deepEqual(JSON.parse(stage.provider.last.text), batch)
    const other = stage.openai('team-b')
    const isForbidden = (error: unknown) => error instanceof OpenAI.PermissionDeniedError
    await assert.rejects(other.files.create({ file: await file(), purpose: 'batch' }), isForbidden)
    await assert.rejects(other.batches.create(batch), isForbidden)
    await assert.rejects(other.files.list(), isForbidden)
    stage.provider.reply = { type: 'application/json', pieces: ['{"ok":true}'] }
  })

  test("Anthropic's SDK is refused in its own form where its tenant owns no key", async () => {
    const baseURL = `${stage.url('team-a')}/anthropic`
    const client = new Anthropic({ apiKey: 'of-the-application', baseURL, maxRetries: 0 })
    const isForbidden = (error: unknown) => error instanceof Anthropic.PermissionDeniedError
    await assert.rejects(client.beta.files.list(), isForbidden)
    await assert.rejects(client.beta.files.retrieveMetadata('file_1'), isForbidden)
    await assert.rejects(client.messages.batches.create({ requests: [] }), isForbidden)
    await assert.rejects(client.messages.batches.retrieve('batch_1'), isForbidden)
    // Its ambassador looks whether it is there.
    assert.deepEqual(
      stage.anthropic.got.filter(({ url }) => /files|batches/.test(url)),
      [],
    )
  })

  test('a question of the owner goes with its own key, one of everybody else with the shared', async () => {
    for (const [tenant, key] of [
      ['team-a', 'key-of-team-a'],
      ['team-b', 'key-of-all'],
    ] as const) {
      for (let at = 0; at < 8; at++) {
        await fetch(`${stage.url(tenant)}/v1/moderations`, {
          method: 'POST',
          body: '{"model":"same","input":"x"}',
        }).then((answer) => answer.text())
        assert.equal(stage.provider.last.headers.authorization, `Bearer ${key}`)
      }
    }
  })

  test('without a word of the provider, the only one that speaks the family alone is asked', async () => {
    const answer = await fetch(`${stage.url('team-a')}/v1/files`)
    assert.equal(answer.status, 200, await answer.text())
    const nobody = { headers: { 'x-outrigger-provider': 'nobody' } }
    const unknown = await fetch(`${stage.url('team-a')}/v1/files`, nobody)
    assert.equal(unknown.status, 400)
    assert.match(await unknown.text(), /x-outrigger-provider: /)
  })

  /** Sends a part of a form and stays. */
  const uploading = (bytes: number) => {
    const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    const sent = request(`${stage.url('team-a')}/v1/files`, {
      method: 'POST',
      headers: { ...ofOpenai, 'content-type': 'multipart/form-data; boundary=b' },
    })
    sent.on('error', () => undefined)
    sent.write(head)
    sent.write(Buffer.alloc(bytes, 'x'))
    return sent
  }
  const idle = async () => {
    for (;;) {
      const { text } = await stage.ambassador.page('/metrics')
      const [, count] = /^outrigger_\w*calls_in_flight\{[^}]*\} (\d+)$/m.exec(text) ?? []
      if (count === '0') return
    }
  }

  test('a caller that leaves in the middle of an upload ends that of its provider', async () => {
    const heard = once(stage.provider, 'bytes')
    const sent = uploading(200_000)
    await heard
    const left = once(stage.provider, 'left')
    sent.destroy()
    const [got]: Got[] = await left
    assert.equal(got?.isWhole, false)
    await idle()
  })

  test('a provider that refuses in the middle of an upload is heard, and nothing stays', async () => {
    const { provider } = stage
    provider.refuseAfter = 50_000
    const text = '{"error":{"message":"too much","type":"invalid_request_error"}}'
    provider.reply = { status: 413, type: 'application/json', pieces: [text] }
    const sent = uploading(3_000_000)
    const [answer] = await once(sent, 'response')
    assert.equal(answer.statusCode, 413)
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    assert.equal(Buffer.concat(chunks).toString(), text)
    sent.destroy()
    provider.refuseAfter = undefined
    provider.reply = { type: 'application/json', pieces: ['{"ok":true}'] }
    await idle()
    const again = await fetch(`${stage.url('team-a')}/v1/files`, { headers: ofOpenai })
    assert.equal(again.status, 200)
  })

  test('an upload over its limit is refused, whether its length is told or not', async () => {
    const headers = { ...ofOpenai, 'content-type': 'application/octet-stream' }
    const url = `${stage.url('team-a')}/v1/files`
    const body = Buffer.alloc(5 * 2 ** 20)
    const told = await fetch(url, { method: 'POST', headers, body })
    assert.equal(told.status, 413)
    const untold = uploading(5 * 2 ** 20)
    const [answer] = await once(untold, 'response')
    assert.equal(answer.statusCode, 413)
    answer.resume()
    untold.destroy()
    await idle()
  })
})
