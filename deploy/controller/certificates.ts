import {
  type Authorities,
  advance,
  type Lifetimes,
  recover,
  spread,
} from '#deploy/certificates/authorities.ts'
import { issue, type RenewalReason, renewalOf } from '#deploy/certificates/leaf.ts'
import {
  readAuthorities,
  readPair,
  type SecretData,
  writeAuthorities,
  writePair,
} from '#deploy/certificates/stored.ts'
import { factsOf } from '#deploy/certificates/x509.ts'
import { found } from '#shared/kubernetes/found.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { isJsonObject, type KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { managedLabel } from './distribute.ts'

/** Of the authorities and their keys; nobody but the controller may read it. */
export const authoritiesSecret = 'outrigger-ca'

/** A server that needs a certificate: the Secret it mounts and the Service it is reached by. */
export interface Server {
  readonly secret: string
  readonly service: string
}

export interface CertificateParts {
  readonly api: Pick<KubernetesApi, 'get' | 'create' | 'replace'>
  readonly namespace: string
  readonly lifetimes: Lifetimes
  readonly onIssued: (secret: string, reason: RenewalReason) => void
  /** Told once of each Secret that the API server lets nobody read or write. */
  readonly onForbidden: (secret: string) => void
}

/** Keeps the Secrets of authorities and servers. Every method rejects with `KubernetesError`. */
export class Certificates {
  readonly #parts: CertificateParts
  /** When each certificate ends, in ms since 1970, by Secret. */
  readonly #ends = new Map<string, number>()
  readonly #forbidden = new Set<string>()

  constructor(parts: CertificateParts) {
    this.#parts = parts
  }

  /** Until when what is served holds, for the metric. */
  get ends(): ReadonlyMap<string, number> {
    return this.#ends
  }

  /**
   * The authorities as they should be at `nowMs`, kept before anybody is told of them. `trusted` is
   * the bundle given out last (PEM, may be empty), which says whom to trust further where the Secret
   * is lost or nobody can read what is in it.
   */
  async authorities(nowMs: number, trusted: string): Promise<Authorities> {
    const held = await this.#read(authoritiesSecret)
    const before = readAuthorities(held?.data)
    const { lifetimes } = this.#parts
    const after =
      before === undefined
        ? await recover(trusted, nowMs, lifetimes)
        : await advance(before, nowMs, lifetimes)
    if (after !== before) await this.#keep(held, after)
    this.#ends.set(authoritiesSecret, factsOf(after.current.certificate).until)
    return after
  }

  /** Notes that every bundle holds what `authorities` gave. */
  async spread(authorities: Authorities, nowMs: number): Promise<void> {
    const after = spread(authorities, nowMs)
    if (after !== authorities) await this.#keep(await this.#read(authoritiesSecret), after)
  }

  /**
   * Gives each server a certificate that will do, and leaves those alone that have one. A Secret that
   * no role allows, such as that of a provider which is not installed, keeps nobody else waiting, and
   * neither does one that cannot be written: rejects with the first such error, after all the others.
   */
  async serve(authorities: Authorities, servers: readonly Server[], nowMs: number): Promise<void> {
    let failure: KubernetesError | undefined
    for (const server of servers) {
      try {
        await this.#serveOne(authorities, server, nowMs)
        this.#forbidden.delete(server.secret)
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error
        if (error.status === 403) this.#forbid(server.secret)
        else failure ??= error
      }
    }
    if (failure !== undefined) throw failure
  }

  #forbid(secret: string): void {
    if (!this.#forbidden.has(secret)) this.#parts.onForbidden(secret)
    this.#forbidden.add(secret)
  }

  async #serveOne(authorities: Authorities, server: Server, nowMs: number): Promise<void> {
    const { lifetimes, namespace, onIssued } = this.#parts
    const { secret, service } = server
    const names = namesOf(service, namespace)
    const held = await this.#read(secret)
    const pair = readPair(held?.data)
    const reason = await renewalOf({ names, held: pair }, authorities, { nowMs, lifetimes })
    const served =
      reason === undefined ? pair : await issue(authorities, names, { nowMs, lifetimes })
    if (served === undefined) return
    this.#ends.set(secret, factsOf(served.certificate).until)
    if (reason === undefined) return
    await this.#write(held, { name: secret, type: 'kubernetes.io/tls', data: writePair(served) })
    onIssued(secret, reason)
  }

  #keep(held: Held | undefined, authorities: Authorities): Promise<void> {
    const data = writeAuthorities(authorities)
    return this.#write(held, { name: authoritiesSecret, type: 'Opaque', data })
  }

  async #read(name: string): Promise<Held | undefined> {
    const object = await found(this.#parts.api, `${this.#collection}/${name}`)
    return object && { object, data: dataOf(object) }
  }

  /** Over what was read, and over nothing else: the resource version holds two writers apart. */
  async #write(held: Held | undefined, { name, type, data }: Written): Promise<void> {
    const metadata = held?.object.metadata ?? {
      name,
      namespace: this.#parts.namespace,
      labels: { [managedLabel]: 'true', 'app.kubernetes.io/managed-by': 'outrigger' },
    }
    const object = { apiVersion: 'v1', kind: 'Secret', type, metadata, data }
    if (held === undefined) await this.#parts.api.create(this.#collection, object)
    else await this.#parts.api.replace(`${this.#collection}/${name}`, object)
  }

  get #collection(): string {
    return `/api/v1/namespaces/${this.#parts.namespace}/secrets`
  }
}

interface Held {
  readonly object: KubernetesObject
  readonly data: SecretData
}

interface Written {
  readonly name: string
  readonly type: string
  readonly data: SecretData
}

/** What a Service is called by, from within its namespace to the whole name. */
export function namesOf(service: string, namespace: string): string[] {
  const name = `${service}.${namespace}`
  return [name, `${name}.svc`, `${name}.svc.cluster.local`]
}

function dataOf(object: KubernetesObject): SecretData {
  const { data } = object
  if (!isJsonObject(data)) return {}
  return Object.fromEntries(
    Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
