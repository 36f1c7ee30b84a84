import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, codeIn, question } from '../../pair/client.ts'
import { configOf, Half, type Provider, startProvider } from '../../pair/harness.ts'
import type { Cluster } from '../cluster.ts'
import { AtomicWriter } from '../node/atomic-writer.ts'
import { type MountedAccount, mountAccount } from './account.ts'

/** A pod that tokens can be bound to; nothing of it runs. */
export interface BoundPod {
  readonly name: string
  readonly uid: string
}

/** One provider, and processes in front of it whose callers prove themselves by the cluster's tokens. */
export class IdentityStage {
  readonly cluster: Cluster
  readonly provider: Provider
  readonly account: MountedAccount
  readonly #directory: string
  readonly #tenants: object
  readonly #halves: Half[] = []

  private constructor(parts: {
    readonly cluster: Cluster
    readonly provider: Provider
    readonly account: MountedAccount
    readonly directory: string
    readonly tenants: object
  }) {
    this.cluster = parts.cluster
    this.provider = parts.provider
    this.account = parts.account
    this.#directory = parts.directory
    this.#tenants = parts.tenants
  }

  /** `tenants` as in the configuration; ambassadors use an account of `namespace`. */
  static async open(
    cluster: Cluster,
    namespace: string,
    tenants: Readonly<Record<string, object>>,
  ): Promise<IdentityStage> {
    return new IdentityStage({
      cluster,
      tenants,
      provider: await startProvider(),
      account: await mountAccount(cluster, namespace, 'ambassador'),
      directory: await mkdtemp(join(tmpdir(), 'outrigger-identity-')),
    })
  }

  /** One that listens; whether it is ready is another question. */
  async ambassador(): Promise<Half> {
    const identity = { kind: 'kubernetes' }
    const options = {
      provider: this.provider.port,
      ambassador: { identity, drain: { delay: 0, grace: 0 } },
      tenants: { ...this.#tenants },
    }
    const file = await this.#file(configOf(options, []))
    const { directory, environment } = this.account
    return this.#start(new Half('ambassador', file, environment, ['--service-account', directory]))
  }

  /** One in front of `ambassador`, whose token lies in a volume as kubelet writes it. */
  async sidecar(ambassador: Half, token: string): Promise<Half> {
    const address = [`127.0.0.1:${ambassador.port}`]
    const file = await this.#file(configOf({ provider: this.provider.port }, address))
    const volume = await mkdtemp(join(this.#directory, 'token-'))
    await new AtomicWriter(volume).write(new Map([['token', { text: token, mode: 0o600 }]]))
    return this.#start(new Half('sidecar', file, {}, ['--token', join(volume, 'token')]))
  }

  async pod(namespace: string, name: string, account = 'default'): Promise<BoundPod> {
    const { metadata } = await this.cluster.api.create(`/api/v1/namespaces/${namespace}/pods`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { serviceAccountName: account, containers: [{ name: 'app', image: 'app' }] },
    })
    return { name, uid: metadata.uid ?? '' }
  }

  async close(): Promise<void> {
    await Promise.all(this.#halves.map((half) => half.kill()))
    await this.provider.close()
    await this.account.remove()
    await rm(this.#directory, { recursive: true, force: true })
    await this.cluster.close()
  }

  async #file(config: object): Promise<string> {
    const directory = await mkdtemp(join(this.#directory, 'config-'))
    const file = join(directory, 'outrigger.yaml')
    await writeFile(file, JSON.stringify(config))
    return file
  }

  async #start(half: Half): Promise<Half> {
    this.#halves.push(half)
    await half.whenReady()
    return half
  }
}

/** Status and code of what an ambassador says to whoever brings `token`. */
export async function bring(ambassador: Half, token: string): Promise<readonly [number, unknown]> {
  const { path, body, headers } = question('chat')
  const asked = { path, body, headers: { ...headers, authorization: `Bearer ${token}` } }
  const seen = await ask(ambassador.port, asked)
  return [seen.status, seen.status === 200 ? 'served' : codeIn(seen.body)]
}
