import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ClusterApi } from './api.ts'
import type { SigningKind } from './control-plane/certificates.ts'
import type { Switches } from './control-plane/component.ts'
import { kubeconfig } from './control-plane/plane.ts'
import type { ComponentName } from './control-plane/programs.ts'
import { Switchboard } from './switchboard.ts'
import { until } from './until.ts'

/** What the suite's process tells test files, as JSON in the file that the variable names. */
export interface SuiteFacts {
  readonly server: string
  readonly ca: string
  readonly token: string
  readonly socket: string
  readonly signingKind: SigningKind
  readonly components: readonly ComponentName[]
  readonly emulatedVersion?: string
}

export const factsVariable = 'OUTRIGGER_CLUSTER'

/** What bounds a token asked for in a test. */
export interface TokenOptions {
  readonly audience?: string
  /** At least 600. */
  readonly expirationSeconds?: number
  /** The pod that it is bound to. */
  readonly pod?: { readonly name: string; readonly uid: string }
}

/** The suite's cluster as one test file sees it. */
export class Cluster {
  /** As a member of `system:masters`. */
  readonly api: ClusterApi
  /** Such as `1.34`, where the API server behaves as an older one. */
  readonly emulatedVersion: string | undefined
  /** How service account tokens are signed. */
  readonly signingKind: SigningKind
  readonly #facts: SuiteFacts
  readonly #switchboard: Switchboard
  readonly #namespaces: string[] = []

  constructor(facts: SuiteFacts) {
    this.#facts = facts
    this.api = new ClusterApi(facts)
    this.emulatedVersion = facts.emulatedVersion
    this.signingKind = facts.signingKind
    this.#switchboard = new Switchboard(facts.socket)
  }

  /** For `{ skip }`: a reason where the machine's programs lack one of `names`, else false. */
  lacks(...names: readonly ComponentName[]): string | false {
    const missing = names.filter((name) => !this.#facts.components.includes(name))
    return missing.length > 0 && `no ${missing.join(', no ')} in KUBEBUILDER_ASSETS`
  }

  /** For `{ skip }`: a reason where the API server behaves as one before `version`, else false. */
  isBefore(version: string): string | false {
    const minorOf = (text: string) => Number(text.split('.')[1])
    const own = this.emulatedVersion
    return own !== undefined && minorOf(own) < minorOf(version) && `needs Kubernetes ${version}`
  }

  component(name: ComponentName): Switches {
    return this.#switchboard.component(name)
  }

  /**
   * Signs tokens with a further key from a restart of the API server on, which takes seconds; the
   * keys before it are still accepted, or not.
   */
  rotateSigningKey(before: 'keep' | 'drop'): Promise<void> {
    return this.#switchboard.rotateSigningKey(before)
  }

  /**
   * Starts what is dead or frozen, and anew what saw the API server away: where a test goes on with
   * controllers, instead of starting the API server alone, after which they may see nothing for a minute.
   */
  heal(): Promise<void> {
    return this.#switchboard.heal()
  }

  /** A namespace of this file's own, `PREFIX-RANDOM`, in which pods can be made. */
  async namespace(prefix: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = `${prefix}-${randomBytes(3).toString('hex')}`
    const metadata = { name, labels }
    await this.api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata })
    this.#namespaces.push(name)
    const path = `/api/v1/namespaces/${name}`
    if (this.lacks('kube-controller-manager') !== false) {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
      await this.api.create(`${path}/serviceaccounts`, account)
      return name
    }
    await until(`the default service account of ${name}`, 60_000, async () => {
      await this.api.get(`${path}/configmaps/kube-root-ca.crt`)
      return this.api.get(`${path}/serviceaccounts/default`)
    })
    return name
  }

  /** A service account's token, by TokenRequest; without an audience one for the API server. */
  async token(namespace: string, account: string, options: TokenOptions = {}): Promise<string> {
    const { audience, expirationSeconds = 3_600, pod } = options
    const spec = {
      expirationSeconds,
      ...(audience === undefined ? {} : { audiences: [audience] }),
      ...(pod === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }),
    }
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`
    const kind = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' }
    type Answer = { status: { token: string } }
    return (await this.api.create<Answer>(path, { ...kind, spec })).status.token
  }

  /** Text of a kubeconfig file for whoever has `token`. */
  kubeconfig(token = this.#facts.token): string {
    const { server, ca } = this.#facts
    return kubeconfig({ server, ca, token })
  }

  /** Starts the deletion of this file's namespaces; nobody waits for its end. */
  async close(): Promise<void> {
    const removals = this.#namespaces.map((name) => this.api.remove(`/api/v1/namespaces/${name}`))
    await Promise.allSettled(removals)
  }
}

/** The suite's cluster with every component healthy. */
export async function openCluster(): Promise<Cluster> {
  const file = process.env[factsVariable]
  if (file === undefined) {
    throw new Error('Cannot open the cluster: these tests are run by node test/run/cluster.ts')
  }
  const facts: SuiteFacts = JSON.parse(readFileSync(file, 'utf8'))
  const cluster = new Cluster(facts)
  await cluster.heal()
  return cluster
}
