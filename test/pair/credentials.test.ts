import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { configOf, Half } from './harness.ts'
import { answerOf } from './scripted-provider.ts'

interface Refusal {
  readonly status: number
  readonly body: string
}

type Exchange = readonly [IncomingMessage, ServerResponse]

/** What a provider says to a call with this key; undefined where it answers it. */
type Verdict = (key: string, body: string) => Refusal | undefined

const chat = '/v1/chat/completions'
const messages = [{ role: 'user', content: 'hello' }]
const asked = JSON.stringify({ model: 'tiny', messages })

class Stage {
  readonly keys: string[] = []
  readonly directory: string
  readonly #context: TestContext
  #ambassador: Half | undefined
  #origin = ''

  constructor(context: TestContext, directory: string) {
    this.#context = context
    this.directory = directory
  }

  get ambassador(): Half {
    assert.ok(this.#ambassador !== undefined)
    return this.#ambassador
  }

  async start(pool: object, verdict: Verdict): Promise<void> {
    const server = createServer((...exchange) => void this.#answer(verdict, exchange))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    this.#origin = `http://127.0.0.1:${address.port}`
    const file = join(this.directory, 'outrigger.yaml')
    await writeFile(file, this.#text(pool))
    const half = new Half('ambassador', file, { ONE: 'key-one', TWO: 'key-two' })
    this.#ambassador = half
    this.#context.after(async () => {
      await half.kill()
      server.close()
      server.closeAllConnections()
      await rm(this.directory, { recursive: true })
    })
    await half.whenReady()
  }

  async post(body: string, path = chat): Promise<{ status: number; text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.ambassador.port}${path}`, {
      method: 'POST',
      body,
    })
    return { status: response.status, text: await response.text() }
  }

  /** Writes another pool, and waits until it is in force. */
  async reload(pool: object): Promise<void> {
    const from = this.ambassador.mark
    await writeFile(this.ambassador.file, this.#text(pool))
    await this.ambassador.line((line) => /config/i.test(String(line['msg'])), from)
  }

  async #answer(verdict: Verdict, [incoming, outgoing]: Exchange): Promise<void> {
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const key = keyOf(incoming.headers)
    if (incoming.method === 'POST') this.keys.push(key)
    const dialect = incoming.url?.startsWith('/v1/messages') === true ? 'messages' : 'chat'
    const answer = { status: 200, body: answerOf(dialect, 'a', 1) }
    const { status, body: said } = verdict(key, body) ?? answer
    outgoing.writeHead(status, { 'content-type': 'application/json' })
    outgoing.end(said)
  }

  #text(pool: object): string {
    const own = { kind: 'openai-compatible', baseUrl: `${this.#origin}/v1`, replicas: undefined }
    return JSON.stringify(configOf({ provider: 0, pool: { ...own, ...pool } }, []))
  }
}

function keyOf({ authorization, 'x-api-key': other }: IncomingHttpHeaders): string {
  return authorization?.replace('Bearer ', '') ?? String(other)
}

async function start(context: TestContext, pool: object, verdict: Verdict): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-credentials-'))
  const stage = new Stage(context, directory)
  await stage.start(pool, verdict)
  return stage
}

const one = { name: 'one', secret: 'ONE' }
const error = (type: string) => JSON.stringify({ error: { message: 'no', type, code: type } })

test('one call that asks for a billion tokens shuts nobody out', async (context) => {
  const pool = { kind: 'openai', credentials: [one], limits: { tokens: 200_000 } }
  const stage = await start(context, pool, () => undefined)
  const huge = JSON.stringify({ model: 'tiny', messages, max_tokens: 999_999_999 })
  // It would be refused however little of the limit is used: it is not sent at all.
  assert.equal((await stage.post(huge)).status, 429)
  assert.equal((await stage.post(asked)).status, 200)
  assert.equal(stage.keys.length, 1)
})

test('a reload that renames a credential under a call leaves both names usable', async (context) => {
  const stage = await start(context, { credentials: [one] }, () => undefined)
  const { port } = stage.ambassador
  const headers = { 'content-length': Buffer.byteLength(asked) }
  const early = request({ port, host: '127.0.0.1', path: chat, method: 'POST', headers })
  early.write(asked.slice(0, 10))
  // Its head has come, and so it has its configuration, before the other is read.
  await stage.post(asked)
  await stage.reload({ credentials: [{ ...one, name: 'renamed' }] })
  early.end(asked.slice(10))
  const [response] = await once(early, 'response')
  response.resume()
  assert.equal(response.statusCode, 200)
  assert.equal((await stage.post(asked)).status, 200)
})

test('a replaced secret of an exhausted credential is used at once', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-credentials-'))
  const file = join(directory, 'secret')
  await writeFile(file, 'key-empty')
  const stage = new Stage(context, directory)
  const pool = { credentials: [{ name: 'one', secret: { file } }] }
  await stage.start(pool, (key) =>
    key === 'key-empty' ? { status: 429, body: error('insufficient_quota') } : undefined,
  )
  assert.equal((await stage.post(asked)).status, 503)
  await writeFile(file, 'key-full')
  await stage.reload({ ...pool, limits: { requests: 1_000_000 } })
  assert.equal((await stage.post(asked)).status, 200)
  assert.deepEqual(stage.keys, ['key-empty', 'key-full'])
})

for (const [what, path] of [
  ['a count', '/v1/messages/count_tokens'],
  ['a call', '/v1/messages'],
] as const) {
  test(`a key that is refused to ${what} is asked again by neither calls nor counts`, async (context) => {
    const pool = {
      kind: 'anthropic',
      retry: { attempts: 3 },
      credentials: [
        { ...one, weight: 1_000 },
        { name: 'two', secret: 'TWO' },
      ],
    }
    const stage = await start(context, pool, (key) =>
      key === 'key-one' ? { status: 401, body: error('authentication_error') } : undefined,
    )
    const message = JSON.stringify({ model: 'tiny', messages, max_tokens: 5 })
    while (!stage.keys.includes('key-one')) await stage.post(message, path)
    const before = stage.keys.length
    for (let call = 0; call < 5; call++) {
      assert.equal((await stage.post(message, '/v1/messages')).status, 200)
      await stage.post(message, '/v1/messages/count_tokens')
    }
    assert.deepEqual(new Set(stage.keys.slice(before)), new Set(['key-two']))
    assert.equal(stage.keys.length, before + 10)
  })
}
