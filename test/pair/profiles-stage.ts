import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Half } from './harness.ts'
import { type Got, RecordingProvider, type TenantName } from './passthrough-stage.ts'

/** One profile: its configuration, and what is expected of it on the wire, in words of its own. */
export interface Row {
  readonly name: string
  readonly provider: Readonly<Record<string, unknown>>
  /** What stands before the path that the application calls, from `/v1` on or with it. */
  readonly wirePath: (path: string) => string
  readonly wireQuery?: string
  readonly authOf: (key: string) => readonly [name: string, value: string]
}

export const model = (name: string) => `model-of-${name}`

const bearer = (key: string) => ['authorization', `Bearer ${key}`] as const
const same = (path: string) => path

/** Every profile that offers anything; `base` is the scripted provider. */
export function rowsAt(base: string): readonly Row[] {
  const compatible = (name: string, path: string, preset?: string): Row => ({
    name,
    provider: { kind: 'openai-compatible', preset, baseUrl: base + path },
    wirePath: (asked) => path + asked.slice('/v1'.length),
    authOf: bearer,
  })
  const azure = { kind: 'azure', baseUrl: base }
  const apiKey = (key: string) => ['api-key', key] as const
  return [
    {
      name: 'openai',
      provider: { kind: 'openai', baseUrl: `${base}/v1` },
      wirePath: same,
      authOf: bearer,
    },
    compatible('compatible', '/deep/v1'),
    compatible('groq', '/openai/v1', 'groq'),
    compatible('xai', '/v1', 'xai'),
    compatible('mistral', '/v1', 'mistral'),
    {
      name: 'anthropic',
      provider: { kind: 'anthropic', baseUrl: base },
      wirePath: same,
      authOf: (key) => ['x-api-key', key],
    },
    { name: 'azure', provider: azure, wirePath: (path) => `/openai${path}`, authOf: apiKey },
    {
      name: 'deployments',
      provider: { ...azure, api: 'deployments' },
      wirePath: (path) => `/openai/deployments/${model('deployments')}${path.slice('/v1'.length)}`,
      wireQuery: 'api-version=2024-10-21',
      authOf: apiKey,
    },
    {
      name: 'vllm',
      provider: { kind: 'vllm', replicas: { addresses: [base] } },
      wirePath: same,
      authOf: bearer,
    },
  ]
}

/**
 * Each profile behind an ambassador of its own, two tenants in front. `team-a` owns two keys at each; everybody
 * else shares one.
 */
export class ProfilesStage {
  readonly provider: RecordingProvider
  readonly rows: readonly Row[]
  readonly #directory: string
  readonly #ambassadors = new Map<string, Half>()
  readonly #sidecars = new Map<TenantName, Half>()

  private constructor(provider: RecordingProvider, directory: string) {
    this.provider = provider
    this.#directory = directory
    this.rows = rowsAt(`http://127.0.0.1:${provider.port}`)
  }

  static async start(): Promise<ProfilesStage> {
    const directory = await mkdtemp(join(tmpdir(), 'outrigger-profiles-'))
    const stage = new ProfilesStage(await new RecordingProvider().listen(), directory)
    try {
      await stage.#startHalves()
    } catch (error) {
      await stage.close()
      throw error
    }
    return stage
  }

  url(tenant: TenantName): string {
    return `http://127.0.0.1:${this.sidecar(tenant).port}`
  }

  sidecar(tenant: TenantName): Half {
    return found(this.#sidecars.get(tenant))
  }

  ambassador(name: string): Half {
    return found(this.#ambassadors.get(name))
  }

  /** The request that was sent with this `x-request-id`, besides probes and those of others. */
  heard(id: string): Got | undefined {
    return this.provider.got.find(({ headers }) => headers['x-request-id'] === id)
  }

  async close(): Promise<void> {
    const halves = [...this.#ambassadors.values(), ...this.#sidecars.values()]
    await Promise.all(halves.map((half) => half.kill()))
    await this.provider.close()
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #startHalves(): Promise<void> {
    const file = join(this.#directory, 'ambassador.yaml')
    await writeFile(file, this.#text())
    for (const { name } of this.rows) {
      const half = new Half('ambassador', file, environment, ['--provider', name])
      this.#ambassadors.set(name, half)
    }
    await Promise.all([...this.#ambassadors.values()].map((half) => half.whenReady()))
    for (const tenant of ['team-a', 'team-b'] as const) {
      const own = join(this.#directory, `${tenant}.yaml`)
      await writeFile(own, this.#text(tenant))
      this.#sidecars.set(tenant, new Half('sidecar', own, environment))
    }
    await Promise.all([...this.#sidecars.values()].map((half) => half.whenReady()))
  }

  #text(tenant?: TenantName): string {
    const providers = this.rows.map(({ name, provider }) => {
      const half = tenant === undefined ? undefined : this.#ambassadors.get(name)
      const address = half === undefined ? {} : { address: `127.0.0.1:${half.port}` }
      const keys = provider['kind'] === 'vllm' ? {} : { credentials }
      return [name, { ...provider, ...keys, retry: { attempts: 1 }, ...address }]
    })
    const targets = (...names: readonly string[]) =>
      names.map((provider) => ({ provider, model: model(provider) }))
    const single = this.rows.map(({ name }) => [model(name), { targets: targets(name) }])
    const models = {
      ...Object.fromEntries(single),
      // The first has images alone, the second sound.
      several: { targets: targets('xai', 'groq'), fallback: { on: [] } },
    }
    const secrets = [
      { tenant: 'team-a', secret: 'A' },
      { tenant: 'team-b', secret: 'B' },
    ]
    return JSON.stringify({
      models,
      providers: Object.fromEntries(providers),
      sidecar: tenant === undefined ? {} : { secret: tenant === 'team-a' ? 'A' : 'B' },
      ambassador: { identity: { kind: 'shared-secret', secrets } },
      tenants: {
        'team-a': {},
        'team-b': { limits: [{ requests: 100_000, per: 'day' }] },
      },
    })
  }
}

const credentials = [
  { name: 'all', secret: 'KEY_ALL' },
  { name: 'first', secret: 'KEY_FIRST', tenant: 'team-a' },
  { name: 'second', secret: 'KEY_SECOND', tenant: 'team-a', weight: 1_000 },
]

const environment = {
  A: 'secret-of-a',
  B: 'secret-of-b',
  KEY_ALL: 'key-of-all',
  KEY_FIRST: 'first-key',
  KEY_SECOND: 'second-key',
}

function found(half: Half | undefined): Half {
  assert.ok(half !== undefined)
  return half
}
