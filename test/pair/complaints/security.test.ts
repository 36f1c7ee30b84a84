import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { plainProvider } from '../bad-input-idle.ts'
import { ask, dial, say } from '../client.ts'
import { configOf, Half } from '../harness.ts'
import { HeldProvider } from './held-provider.ts'
import { asking, surfaceNames, surfaces } from './surfaces.ts'

const key = 'canary-key-of-the-provider'
const foreign = 'canary-of-the-application'

let directory: string
let provider: HeldProvider
let ambassador: Half
/** Of an application's pod: the key is neither in its file nor in its environment. */
let sidecar: Half

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'outrigger-complaints-'))
  provider = await new HeldProvider().listen()
  const credentials = [{ name: 'main', secret: 'PROVIDER_KEY' }]
  const start = async (name: 'ambassador' | 'sidecar', address: readonly string[]) => {
    const pool = { ...plainProvider(provider.port), credentials }
    const config = configOf({ provider: provider.port, pool }, address)
    const file = join(directory, `${name}.yaml`)
    await writeFile(file, JSON.stringify(config))
    const environment = name === 'ambassador' ? { PROVIDER_KEY: key } : {}
    const half = new Half(name, file, environment)
    await half.whenReady()
    return half
  }
  ambassador = await start('ambassador', [])
  sidecar = await start('sidecar', [`127.0.0.1:${ambassador.port}`])
})
after(async () => {
  await sidecar?.kill()
  await ambassador?.kill()
  await provider?.close()
  await rm(directory, { recursive: true, force: true })
})

/** Headers in which an application could say who it is, or speak in the words of the halves. */
const own = {
  authorization: `Bearer ${foreign}`,
  'x-api-key': foreign,
  'api-key': foreign,
  cookie: foreign,
  'proxy-authorization': foreign,
  'openai-organization': foreign,
  baggage: `a=${foreign}`,
}
const forged = ['model', 'tenant', 'attempts', 'call', 'input-tokens', 'config', 'made-up']

describe('an application', { concurrency: true }, () => {
  for (const surface of surfaceNames) {
    for (const stream of [true, false]) {
      const what = `${stream ? 'a stream' : 'a whole answer'} of ${surface}`

      // litellm's incident of 2026-02-18: a field nobody had asked for
      test(`T16: a question for ${what} reaches the provider with its model and wishes changed, and no more`, async () => {
        const odd = {
          vendor_only: { z: [1.5, null] },
          model: 'assistant',
          stream_options: undefined,
        }
        const { body, ...one } = asking(surface, { stream, body: odd })
        // Spaces and escapes as somebody typed them.
        const text = JSON.stringify(body, null, 2).replace('"z"', String.raw`"\u007a"`)
        const seen = await ask(sidecar.port, { ...one, body: text })
        assert.equal(seen.status, 200, seen.body)
        const sent = (await provider.exchange(one.id)).body.toString('utf8')
        const wish = '"stream_options":{"include_usage":true},'
        const isWished = stream && (surface === 'chat' || surface === 'completions')
        assert.equal(sent.split(wish).length, isWished ? 2 : 1, sent)
        assert.equal(sent.replace(wish, ''), text.replace('"assistant"', '"tiny"'))
      })

      test(`T60: neither who the application is nor what it forges reaches the provider with ${what}`, async () => {
        const words = Object.fromEntries(forged.map((name) => [`x-outrigger-${name}`, foreign]))
        const one = asking(surface, { stream, headers: { ...own, ...words } })
        const seen = await ask(sidecar.port, one)
        assert.equal(seen.status, 200, seen.body)
        const { headers, rawHeaders } = await provider.exchange(one.id)
        assert.ok(!rawHeaders.join('\n').includes(foreign), rawHeaders.join('\n'))
        const credentials = [headers['authorization'], headers['x-api-key']]
        assert.ok(credentials.some((value) => value === `Bearer ${key}` || value === key))
        assert.ok(!rawHeaders.some((name) => name.toLowerCase().startsWith('x-outrigger')))
        assert.ok(!JSON.stringify(seen).includes(key))
      })
    }

    test(`T60: headers said twice or in two spellings smuggle nothing through ${surface}`, async () => {
      const one = asking(surface)
      const body = JSON.stringify(one.body)
      const lines = [
        `POST ${one.path} HTTP/1.1`,
        'host: x',
        'connection: close, x-request-id-2',
        `x-request-id: ${one.id}`,
        `x-request-id-2: ${foreign}`,
        ...['Authorization', 'authorization', 'AUTHORIZATION'].map(
          (name) => `${name}: Bearer ${foreign}`,
        ),
        ...['X-Outrigger-Tenant', 'x-outrigger-tenant'].map((name) => `${name}: ${foreign}`),
        `content-length: ${body.length}`,
      ]
      const answer = await say(sidecar.port, `${lines.join('\r\n')}\r\n\r\n${body}`)
      // Refused, or served without any of them.
      if (!answer.startsWith('HTTP/1.1 200 ')) {
        assert.match(answer, /^HTTP\/1\.1 400 /)
        return
      }
      const { rawHeaders } = await provider.exchange(one.id)
      assert.ok(!rawHeaders.join('\n').includes(foreign), rawHeaders.join('\n'))
    })

    for (const [form, lengths] of Object.entries({
      'a length and chunks': ['content-length: 4', 'transfer-encoding: chunked'],
      'chunks and a length': ['transfer-encoding: chunked', 'content-length: 4'],
      'two lengths': ['content-length: 4', 'content-length: 400'],
      'chunks that are called otherwise': ['transfer-encoding: xchunked'],
      'chunks behind a space': ['transfer-encoding : chunked'],
    })) {
      test(`T60: ${form} hide no second request to ${surface}`, async () => {
        const hidden = asking(surface)
        const inner = JSON.stringify(hidden.body)
        const second = `POST ${hidden.path} HTTP/1.1\r\nhost: x\r\nx-request-id: ${hidden.id}\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`
        const head = `POST ${surfaces[surface].path} HTTP/1.1\r\nhost: x\r\n${lengths.join('\r\n')}`
        const answer = await say(sidecar.port, `${head}\r\n\r\n0\r\n\r\n${second}`)
        assert.match(answer, /^HTTP\/1\.1 400 /)
        assert.equal(answer.split('HTTP/1.1 ').length, 2, answer)
        assert.equal(provider.tries(hidden.id), 0)
      })
    }
  }
})

test('T60: the key of the provider is nowhere in the pod of an application', async () => {
  const paths = ['/metrics', '/configz', '/statusz', '/readyz']
  const pages = await Promise.all(paths.map((path) => sidecar.page(path)))
  const texts = [...pages.map(({ text }) => text), sidecar.output]
  assert.ok(texts.every((text) => !text.includes(key)))
  // Nor does the ambassador show it on a page or in its log.
  const others = await Promise.all(paths.map((path) => ambassador.page(path)))
  assert.ok(
    [...others.map(({ text }) => text), ambassador.output].every((text) => !text.includes(key)),
  )
})

/** How long the head of the first question takes to come, in milliseconds. */
const slowMs = 400

for (const surface of surfaceNames) {
  for (const stream of [true, false]) {
    // "Invisible latency gap", litellm's documentation
    test(`T62: a head that comes slowly counts for ${surface}, streamed: ${stream}`, async () => {
      const one = asking(surface, { stream })
      const body = JSON.stringify(one.body)
      const socket = await dial(sidecar.port)
      const answered = new Promise<string>((resolve) => {
        let text = ''
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1')
          if (text.includes('\r\n\r\n')) resolve(text)
        })
      })
      socket.write(`POST ${one.path} HTTP/1.1\r\nhost: x\r\n`)
      const beganMs = performance.now()
      await pause(slowMs)
      socket.write(`content-length: ${body.length}\r\n\r\n${body}`)
      const waited = /^server-timing:.*accept;dur=([\d.]+)/im.exec(await answered)?.[1]
      const tookMs = performance.now() - beganMs
      socket.destroy()
      // Timers of two processes: some milliseconds less is the same time.
      assert.ok(Number(waited) > slowMs - 50 && Number(waited) < tookMs + 50, `${waited} ms`)
    })
  }
}
