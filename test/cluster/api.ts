import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { createInterface } from 'node:readline'
import { refusal, textOf } from './api-error.ts'

export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
    readonly deletionGracePeriodSeconds?: number
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[]
  }
}

/** Objects without what the API server adds: what a test writes. */
export type Json = Readonly<Record<string, unknown>>

export interface WatchEvent<Shape> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: Shape
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
}

/** For arranging and observing in tests. Each call ends within 30 s; shapes are not checked. */
export class ClusterApi {
  readonly server: string
  readonly ca: string
  readonly token: string
  readonly #agent: Agent

  constructor(access: { readonly server: string; readonly ca: string; readonly token: string }) {
    this.server = access.server
    this.ca = access.ca
    this.token = access.token
    this.#agent = new Agent({ keepAlive: true, ca: access.ca, maxSockets: 32 })
  }

  /** The same server as somebody else; an empty token is anonymous. */
  as(token: string): ClusterApi {
    return new ClusterApi({ server: this.server, ca: this.ca, token })
  }

  async get<Shape = KubernetesObject>(path: string): Promise<Shape> {
    return JSON.parse(await this.text(path))
  }

  async list<Shape = KubernetesObject>(path: string): Promise<readonly Shape[]> {
    return (await this.get<{ items: readonly Shape[] }>(path)).items
  }

  /** Whatever is there, as it came: proxied answers, `/openid/v1/jwks`, `/readyz`. */
  text(path: string): Promise<string> {
    return this.#send('GET', path)
  }

  async create<Shape = KubernetesObject>(path: string, body: Json): Promise<Shape> {
    return JSON.parse(await this.#send('POST', path, body))
  }

  async replace<Shape = KubernetesObject>(path: string, body: Json): Promise<Shape> {
    return JSON.parse(await this.#send('PUT', path, body))
  }

  async patch<Shape = KubernetesObject>(
    path: string,
    body: Json | readonly Json[],
    type: keyof typeof patchTypes = 'merge',
  ): Promise<Shape> {
    return JSON.parse(await this.#send('PATCH', path, body, patchTypes[type]))
  }

  /** Deletes with `DeleteOptions`, such as `{ gracePeriodSeconds: 0 }`. */
  async remove(path: string, options: Json = {}): Promise<void> {
    await this.#send('DELETE', path, { apiVersion: 'v1', kind: 'DeleteOptions', ...options })
  }

  /** Server-side apply of any object; its path is found by kind. `query` such as `&dryRun=All`. */
  async apply<Shape = KubernetesObject>(object: Json, query = ''): Promise<Shape> {
    const path = await this.pathOf(object)
    return this.patch(`${path}?fieldManager=test&force=true${query}`, object, 'apply')
  }

  /** Where the API server has this object. A namespaced one without a namespace is in `default`. */
  async pathOf(object: Json): Promise<string> {
    const { apiVersion, kind, metadata }: KubernetesObject = JSON.parse(JSON.stringify(object))
    const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
    const { resources } = await this.get<{ resources: readonly Resource[] }>(base)
    const found = resources.find((each) => each.kind === kind && !each.name.includes('/'))
    if (found === undefined) throw new Error(`Cannot find the path of ${apiVersion} ${kind}`)
    const namespace = found.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''
    return `${base}${namespace}/${found.name}/${metadata.name}`
  }

  /** Events until the server or `signal` ends the watch. `path` has the query, without `watch`. */
  async *watch<Shape = KubernetesObject>(
    path: string,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<Shape>> {
    const joint = path.includes('?') ? '&' : '?'
    const answer = await this.#open('GET', `${path}${joint}watch=true`, signal)
    if (answer.statusCode !== 200) throw refusal(answer, await textOf(answer))
    for await (const line of createInterface({ input: answer })) {
      const event: WatchEvent<Shape> = JSON.parse(line)
      yield event
    }
  }

  async #send(method: string, path: string, body?: unknown, type?: string): Promise<string> {
    const signal = AbortSignal.timeout(30_000)
    const answer = await this.#open(method, path, signal, body, type)
    const text = await textOf(answer)
    if ((answer.statusCode ?? 0) >= 300) throw refusal(answer, text)
    return text
  }

  async #open(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    type = 'application/json',
  ): Promise<IncomingMessage> {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const headers = {
      ...(this.token === '' ? {} : { authorization: `Bearer ${this.token}` }),
      // Of a DELETE, node would write the body without its length.
      ...(bytes === undefined ? {} : { 'content-type': type, 'content-length': bytes.length }),
    }
    const call = request(this.server + path, { method, headers, signal, agent: this.#agent })
    call.end(bytes)
    const [answer]: IncomingMessage[] = await once(call, 'response')
    if (answer === undefined) throw new Error(`Cannot ${method} ${path}: no answer`)
    return answer
  }
}

interface Resource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
}
