import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { Half } from './harness.ts'

/** A request as the provider got it; its body as a digest, and as text where it is short. */
export interface Got {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  bytes: number
  digest: string
  text: string
  isWhole: boolean
}

/** What the provider answers: bytes as they are. */
export interface Reply {
  readonly status?: number
  readonly type: string
  readonly pieces: readonly (string | Buffer)[]
}

const keptBytes = 256 * 1024

/** A provider that writes down what comes and answers what it is told. */
export class RecordingProvider extends EventEmitter {
  readonly got: Got[] = []
  readonly #server: Server
  reply: Reply = { type: 'application/json', pieces: ['{"ok":true}'] }
  /** Answers after so many bytes of a body, unread the rest; undefined: after all of it. */
  refuseAfter: number | undefined

  constructor() {
    super()
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const hash = createHash('sha256')
    const kept: Buffer[] = []
    const got: Got = { method, url, headers, bytes: 0, digest: '', text: '', isWhole: false }
    this.got.push(got)
    this.emit('head', got)
    const after = this.refuseAfter
    try {
      for await (const chunk of request) {
        got.bytes += chunk.length
        hash.update(chunk)
        if (got.bytes <= keptBytes) kept.push(chunk)
        this.emit('bytes', got)
        if (after !== undefined && got.bytes >= after) break
      }
    } catch {
      // The caller has left: `isWhole` says so.
      this.emit('left', got)
      return
    }
    got.isWhole = after === undefined
    got.digest = hash.digest('hex')
    got.text = Buffer.concat(kept).toString('latin1')
    const { status = 200, type, pieces } = this.reply
    response.writeHead(status, { 'content-type': type, 'x-request-id': 'of-the-provider' })
    for (const piece of pieces) response.write(piece)
    response.end()
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    const address = this.#server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return address.port
  }

  /** The last question; a probe may come at any time. */
  get last(): Got {
    const got = this.got.findLast(({ url }) => !url.endsWith('/models'))
    assert.ok(got !== undefined)
    return got
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}

export type TenantName = 'team-a' | 'team-b'

/**
 * Two tenants before one provider of OpenAI's and one of Anthropic's. `team-a` owns a key at the first;
 * `team-b` shares another with everybody.
 */
export class PassthroughStage {
  readonly provider: RecordingProvider
  readonly anthropic: RecordingProvider
  readonly vllm: RecordingProvider
  readonly #halves: Half[] = []
  readonly #sidecars = new Map<TenantName, Half>()
  readonly #directory: string
  readonly #more: object

  private constructor(directory: string, more: object, all: readonly RecordingProvider[]) {
    const [provider, anthropic, vllm] = all
    assert.ok(provider !== undefined && anthropic !== undefined && vllm !== undefined)
    this.provider = provider
    this.anthropic = anthropic
    this.vllm = vllm
    this.#directory = directory
    this.#more = more
  }

  static async start(more: object = {}): Promise<PassthroughStage> {
    const directory = await mkdtemp(join(tmpdir(), 'outrigger-pass-'))
    const all = await Promise.all([1, 2, 3].map(() => new RecordingProvider().listen()))
    const stage = new PassthroughStage(directory, more, all)
    try {
      await stage.#startHalves()
    } catch (error) {
      await stage.close()
      throw error
    }
    return stage
  }

  sidecar(tenant: TenantName): Half {
    const half = this.#sidecars.get(tenant)
    assert.ok(half !== undefined)
    return half
  }

  /** The one before OpenAI. */
  get ambassador(): Half {
    const [half] = this.#halves
    assert.ok(half !== undefined)
    return half
  }

  url(tenant: TenantName): string {
    return `http://127.0.0.1:${this.sidecar(tenant).port}`
  }

  openai(tenant: TenantName): OpenAI {
    const baseURL = `${this.url(tenant)}/v1`
    return new OpenAI({ apiKey: 'of-the-application', baseURL, maxRetries: 0 })
  }

  async close(): Promise<void> {
    await Promise.all(this.#halves.map((half) => half.kill()))
    await Promise.all([this.provider, this.anthropic, this.vllm].map((one) => one.close()))
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #startHalves(): Promise<void> {
    const file = join(this.#directory, 'ambassador.yaml')
    await writeFile(file, this.#text([]))
    const names = ['pool', 'claude', 'rerankers']
    const ambassadors = names.map((name) => this.#half('ambassador', file, name))
    await Promise.all(ambassadors.map((half) => half.whenReady()))
    const addresses = ambassadors.map(({ port }) => `127.0.0.1:${port}`)
    for (const tenant of ['team-a', 'team-b'] as const) {
      const own = join(this.#directory, `${tenant}.yaml`)
      await writeFile(own, this.#text(addresses, tenant))
      const half = this.#half('sidecar', own)
      this.#sidecars.set(tenant, half)
      await half.whenReady()
    }
  }

  #half(name: 'sidecar' | 'ambassador', file: string, provider?: string): Half {
    const environment = {
      A: 'secret-of-a',
      B: 'secret-of-b',
      KEY_ALL: 'key-of-all',
      KEY_A: 'key-of-team-a',
      KEY_C: 'key-of-claude',
    }
    const flags = provider === undefined ? [] : ['--provider', provider]
    const half = new Half(name, file, environment, flags)
    this.#halves.push(half)
    return half
  }

  #text(addresses: readonly string[], tenant?: TenantName): string {
    const at = (index: number) =>
      addresses[index] === undefined ? {} : { address: addresses[index] }
    const retry = { attempts: 1 }
    const local = (one: RecordingProvider) => `http://127.0.0.1:${one.port}`
    return JSON.stringify({
      models: {
        assistant: { targets: [{ provider: 'pool', model: 'test-model' }] },
        same: { targets: [{ provider: 'pool', model: 'same' }] },
        claude: { targets: [{ provider: 'claude', model: 'claude-model' }] },
        reranker: { targets: [{ provider: 'rerankers', model: 'rerank-model' }] },
        forbidden: { targets: [{ provider: 'pool', model: 'dear-model' }] },
      },
      providers: {
        pool: {
          kind: 'openai',
          baseUrl: `${local(this.provider)}/v1`,
          credentials: [
            { name: 'all', secret: 'KEY_ALL' },
            { name: 'own', secret: 'KEY_A', tenant: 'team-a' },
          ],
          retry,
          ...at(0),
        },
        claude: {
          kind: 'anthropic',
          baseUrl: local(this.anthropic),
          credentials: [{ name: 'claude', secret: 'KEY_C' }],
          retry,
          ...at(1),
        },
        rerankers: {
          kind: 'vllm',
          replicas: { addresses: [local(this.vllm)] },
          retry,
          ...at(2),
        },
      },
      sidecar: { ...this.#more, ...(tenant && { secret: tenant === 'team-a' ? 'A' : 'B' }) },
      ambassador: {
        ...this.#more,
        identity: {
          kind: 'shared-secret',
          secrets: [
            { tenant: 'team-a', secret: 'A' },
            { tenant: 'team-b', secret: 'B' },
          ],
        },
      },
      tenants: { 'team-a': {}, 'team-b': { models: ['assistant', 'same', 'reranker', 'claude'] } },
    })
  }
}
