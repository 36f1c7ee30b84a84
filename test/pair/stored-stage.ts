import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { type ProviderDouble, startProvider } from '#deploy/simulator/providers/provider.ts'
import { Half, type Line } from './harness.ts'

/** A request as a provider got it. */
export interface Heard {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Exchange = readonly [IncomingMessage, ServerResponse]

/** What stands before a double and writes down what comes, until the double answers. */
class Ear {
  readonly heard: Heard[] = []
  readonly #server: Server
  readonly #ears = new EventEmitter()
  #failures = 0
  #isSilent = false
  readonly #unanswered = new Set<ServerResponse>()

  constructor(origin: string) {
    this.#server = createServer((...exchange) => void this.#answer(origin, exchange))
  }

  /** Answers 503 in the double's place, so many times. */
  fail(count: number): void {
    this.#failures = count
  }

  /** Hears everything, and answers nothing until it is told to. */
  hush(isSilent: boolean): void {
    this.#isSilent = isSilent
  }

  /** Once who asked what was not answered has left. */
  async whenLeft(): Promise<void> {
    const left = [...this.#unanswered].filter(({ closed }) => !closed)
    await Promise.all(left.map((response) => once(response, 'close')))
    this.#unanswered.clear()
  }

  /** Once so many requests have been heard. */
  async whenHeard(count: number): Promise<void> {
    while (this.heard.length < count) await once(this.#ears, 'heard')
  }

  async #answer(origin: string, [request, response]: Exchange): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const { method = '', url = '', headers } = request
    if (url.includes('responses')) this.heard.push({ method, url, headers, body: bytes.toString() })
    this.#ears.emit('heard')
    if (this.#isSilent) {
      this.#unanswered.add(response)
      return
    }
    if (this.#failures > 0) {
      this.#failures--
      response.writeHead(503).end()
      return
    }
    const sent = Object.entries(headers).filter(
      ([name]) => name !== 'host' && name !== 'connection',
    )
    const answer = await fetch(origin + url, {
      method,
      headers: sent.map(([name, value]): [string, string] => [name, String(value)]),
      ...(bytes.length > 0 ? { body: bytes } : {}),
    })
    response.writeHead(answer.status, Array.from(answer.headers).flat())
    response.end(Buffer.from(await answer.arrayBuffer()))
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

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}

export const keyOne = 'a'.repeat(32)
export const keyTwo = 'b'.repeat(40)

export type TenantName = 'team-a' | 'team-b'

/** Two tenants, each with a sidecar; two providers behind one alias, the first with two keys. */
export class StoredStage {
  readonly #halves: Half[] = []
  readonly #doubles: ProviderDouble[] = []
  readonly #directory: string
  readonly first: Ear
  readonly second: Ear
  readonly #sidecars = new Map<TenantName, Half>()
  #ambassadors: Half[] = []

  private constructor(directory: string, [first, second]: readonly [Ear, Ear]) {
    this.#directory = directory
    this.first = first
    this.second = second
  }

  static async start(secrets: readonly string[] = ['SEAL_ONE']): Promise<StoredStage> {
    const keys = ['key-one', 'key-two']
    const doubles = [await startProvider({ keys }), await startProvider({ keys, seed: 2 })]
    const [one, other] = doubles
    assert.ok(one !== undefined && other !== undefined)
    const ears = [await new Ear(one.origin).listen(), await new Ear(other.origin).listen()] as const
    const directory = await mkdtemp(join(tmpdir(), 'outrigger-stored-'))
    const stage = new StoredStage(directory, ears)
    stage.#doubles.push(...doubles)
    try {
      await stage.#startHalves(secrets)
    } catch (error) {
      await stage.close()
      throw error
    }
    return stage
  }

  get ambassador(): Half {
    const [half] = this.#ambassadors
    assert.ok(half !== undefined)
    return half
  }

  /** What the first provider has counted, over its keys. */
  get truth(): Readonly<Record<'input' | 'cached' | 'output', number>> {
    const sum = { input: 0, cached: 0, output: 0 }
    for (const { billed } of this.#doubles[0]?.statistics().usage ?? []) {
      sum.input += billed.inputTokens
      sum.cached += billed.cachedTokens
      sum.output += billed.outputTokens
    }
    return sum
  }

  /** What both providers have heard, in the order of each. */
  get heard(): Heard[] {
    return [...this.first.heard, ...this.second.heard]
  }

  sidecar(tenant: TenantName): Half {
    const half = this.#sidecars.get(tenant)
    assert.ok(half !== undefined)
    return half
  }

  client(tenant: TenantName): OpenAI {
    const baseURL = `http://127.0.0.1:${this.sidecar(tenant).port}/v1`
    return new OpenAI({ apiKey: 'of-the-application', baseURL, maxRetries: 0 })
  }

  /** Status and body of what `tenant` asks. */
  async ask(tenant: TenantName, method: string, path: string, body?: object) {
    const response = await fetch(`http://127.0.0.1:${this.sidecar(tenant).port}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await response.text()
    return { status: response.status, text, headers: response.headers }
  }

  /** Puts other keys in force. */
  async reseal(secrets: readonly string[]): Promise<void> {
    const marks = this.#ambassadors.map((half) => half.mark)
    await writeFile(this.ambassador.file, this.#text([], secrets))
    const isTaken = (line: Line) => line['msg'] === 'configuration taken'
    await Promise.all(this.#ambassadors.map((half, at) => half.line(isTaken, marks[at])))
  }

  async close(): Promise<void> {
    await Promise.all(this.#halves.map((half) => half.kill()))
    await Promise.all([this.first.close(), this.second.close()])
    await Promise.all(this.#doubles.map((double) => double.close()))
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #startHalves(secrets: readonly string[]): Promise<void> {
    const names = ['pool', 'other']
    const file = join(this.#directory, 'ambassador.yaml')
    await writeFile(file, this.#text([], secrets))
    this.#ambassadors = names.map((name) => this.#half('ambassador', file, name))
    await Promise.all(this.#ambassadors.map((half) => half.whenReady()))
    const addresses = this.#ambassadors.map(({ port }) => `127.0.0.1:${port}`)
    for (const tenant of ['team-a', 'team-b'] as const) {
      const own = join(this.#directory, `${tenant}.yaml`)
      await writeFile(own, this.#text(addresses, [], tenant))
      this.#sidecars.set(tenant, this.#half('sidecar', own))
    }
    await Promise.all([...this.#sidecars.values()].map((half) => half.whenReady()))
  }

  #half(name: 'ambassador' | 'sidecar', file: string, provider?: string): Half {
    const environment = {
      A: 'secret-of-a',
      B: 'secret-of-b',
      C: 'secret-of-c',
      KEY_ONE: 'key-one',
      KEY_TWO: 'key-two',
      SEAL_ONE: keyOne,
      SEAL_TWO: keyTwo,
      SEAL_SHORT: 'short',
    }
    const half = new Half(
      name,
      file,
      environment,
      provider === undefined ? [] : ['--provider', provider],
    )
    this.#halves.push(half)
    return half
  }

  #text(addresses: readonly string[], secrets: readonly string[], tenant?: TenantName): string {
    const providerOf = (ear: Ear, at: number, credentials: readonly object[]) => ({
      kind: 'openai',
      baseUrl: `http://127.0.0.1:${ear.port}/v1`,
      credentials,
      retry: { attempts: 2, base: '10ms' },
      timeouts: { head: '500ms' },
      prices: { 'test-model': { input: '2', cached: '1', output: '10' } },
      ...(addresses[at] === undefined ? {} : { address: addresses[at] }),
    })
    const one = { name: 'one', secret: 'KEY_ONE' }
    const targets = [
      { provider: 'pool', model: 'test-model' },
      { provider: 'other', model: 'test-model' },
    ]
    return JSON.stringify({
      models: {
        assistant: { targets },
        first: { targets: targets.slice(0, 1) },
        second: { targets: targets.slice(1) },
      },
      providers: {
        pool: providerOf(this.first, 0, [one, { name: 'two', secret: 'KEY_TWO' }]),
        other: providerOf(this.second, 1, [one]),
      },
      sidecar: tenant === undefined ? {} : { secret: tenant === 'team-a' ? 'A' : 'B' },
      ambassador: {
        identity: {
          kind: 'shared-secret',
          secrets: [
            { tenant: 'team-a', secret: 'A' },
            { tenant: 'team-b', secret: 'B' },
            { tenant: 'team-c', secret: 'C' },
          ],
        },
      },
      // The third has no sidecar, and may ask twice.
      tenants: {
        'team-a': {
          outputReserve: 50,
          limits: [
            { inputTokens: 1_000_000, per: 'month' },
            { outputTokens: 1_000_000, per: 'month' },
            { usd: 100, per: 'month' },
          ],
        },
        'team-b': {},
        'team-c': { limits: [{ requests: 2, per: 'day' }] },
      },
      storedIds: { secrets },
    })
  }
}
