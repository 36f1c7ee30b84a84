import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { ClusterAccess } from './cluster-access.ts'
import { Connection } from './connection.ts'
import { isExpired, KubernetesError, localError } from './kubernetes-error.ts'
import {
  isJsonObject,
  isKubernetesObject,
  type JsonObject,
  type KubernetesObject,
  parsedJson,
} from './kubernetes-object.ts'
import { type Asked, acceptOf, answerOf } from './question.ts'
import { type WatchEnd, type WatchOptions, watchOnce } from './watch.ts'

export interface ApiParts {
  readonly access: ClusterAccess
  readonly clock: Clock
  /** `outrigger-controller/0.1.0`: the server's audit log names it. */
  readonly userAgent: string
  /** Longest for one answer, tries over included; a watch has a limit of its own. */
  readonly timeoutMs?: number
}

/** Parameters of the query; `undefined` ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** `apply` is server-side apply: fields of other managers are taken over only with `force`. */
export type PatchOptions =
  | { readonly type: 'merge' | 'json' }
  | { readonly type: 'apply'; readonly fieldManager: string; readonly force?: boolean }

export interface ListOptions {
  /** Only what the objects say of themselves: a tenth of a pod's bytes. `objects` unless given. */
  readonly as?: 'objects' | 'metadata'
  readonly cancellation?: Cancellation
}

export interface ObjectList {
  readonly items: KubernetesObject[]
  readonly resourceVersion: string
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML.
  apply: 'application/apply-patch+yaml',
} as const

/** A page of pods of 20 KB each stays below the limit of an answer. */
const pageItems = 250
/** All pods of a cluster of 200 nodes; who lists more must say more narrowly what is wanted. */
const itemsMax = 25_000
const timeoutMsDefault = 15_000

/**
 * A client of the API server: JSON over HTTPS. Paths are absolute (`/api/v1/namespaces/a/pods/b`)
 * without query. Every method rejects with {@link KubernetesError} and nothing else: a refusal with
 * the server's status and reason, the rest with status 0. A 401 is tried once more with a token
 * read anew; a 429 that says when, as often as the time allows.
 */
export class KubernetesApi {
  readonly #parts: ApiParts
  readonly #connection: Connection

  constructor(parts: ApiParts) {
    this.#parts = parts
    this.#connection = new Connection(parts)
  }

  get(path: string, query?: Query): Promise<KubernetesObject> {
    return this.#object({ method: 'GET', path, query })
  }

  /**
   * A whole collection as of one moment, read in pages. Items have the kind that the list names.
   * More than 25,000 items reject with `TooLarge`.
   */
  async list(path: string, query?: Query, options: ListOptions = {}): Promise<ObjectList> {
    const { cancellation, as = 'objects' } = options
    const accept = acceptOf(`${as}-list`)
    const asked: Asked = { method: 'GET', path, query: { limit: pageItems, ...query }, accept }
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#pages(asked, cancellation)
      } catch (error) {
        // The moment that the pages tell of was compacted away: begin again at another.
        const isOver = error instanceof KubernetesError && isExpired(error)
        if (!isOver || attempt === 3) throw error
      }
    }
  }

  create(path: string, body: JsonObject, query?: Query): Promise<KubernetesObject> {
    return this.#object({ method: 'POST', path, query, body: json(body) })
  }

  replace(path: string, body: JsonObject, query?: Query): Promise<KubernetesObject> {
    return this.#object({ method: 'PUT', path, query, body: json(body) })
  }

  /** `body` is an object, or for `json` the array of operations. */
  patch(
    path: string,
    body: JsonObject | readonly JsonObject[],
    options: PatchOptions,
  ): Promise<KubernetesObject> {
    const { type, ...query } = options
    return this.#object({
      method: 'PATCH',
      path,
      query,
      body: { type: patchTypes[type], text: JSON.stringify(body) },
    })
  }

  /**
   * Gives the object while it waits for its finalizers, else a `Status`. With `uid` it removes only
   * that very object: not one that was made under its name since.
   */
  remove(path: string, uid?: string): Promise<KubernetesObject> {
    const preconditions = uid === undefined ? undefined : { uid }
    const body = json({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions })
    return this.#object({ method: 'DELETE', path, body })
  }

  /** The answer as it is: of `/version`, the key set, or what a pod says through its proxy. */
  text(path: string, query?: Query): Promise<string> {
    return this.#text({ method: 'GET', path, query, accept: '*/*' })
  }

  /** Follows a collection from `resourceVersion` on until it ends, of which it always tells how. */
  watch(path: string, options: WatchOptions): Promise<WatchEnd> {
    return watchOnce(this.#askParts(options.cancellation), path, options)
  }

  /** Ends what is asked, watches included, and closes every connection. */
  close(): void {
    this.#connection.close()
  }

  async #pages(asked: Asked, cancellation: Cancellation | undefined): Promise<ObjectList> {
    const items: KubernetesObject[] = []
    let next: string | undefined
    let resourceVersion: string
    do {
      const query = { ...asked.query, continue: next }
      const page = pageOf(asked.path, await this.#text({ ...asked, query }, cancellation))
      items.push(...page.items)
      if (items.length > itemsMax) {
        throw localError('TooLarge', `GET ${asked.path}`, `there are more than ${itemsMax} items`)
      }
      resourceVersion = page.resourceVersion
      next = page.next
    } while (next !== undefined)
    return { items, resourceVersion }
  }

  async #object(asked: Asked): Promise<KubernetesObject> {
    const value = parsedJson(await this.#text(asked))
    if (isKubernetesObject(value)) return value
    // A `Status` and a review may come without metadata.
    if (isJsonObject(value) && typeof value['kind'] === 'string') return { ...value, metadata: {} }
    throw localError('Garbage', `${asked.method} ${asked.path}`, 'the answer is no object')
  }

  #text(asked: Asked, cancellation?: Cancellation): Promise<string> {
    return answerOf(this.#askParts(cancellation), asked, this.#parts.timeoutMs ?? timeoutMsDefault)
  }

  #askParts(cancellation = new Cancellation()) {
    const { access, clock } = this.#parts
    return { access, clock, connection: this.#connection, cancellation }
  }
}

/** One page of a list, and what the next is asked for by. Throws `Garbage`. */
function pageOf(path: string, text: string): ObjectList & { next: string | undefined } {
  const action = `GET ${path}`
  const value = parsedJson(text)
  const list = isKubernetesObject(value) ? value : undefined
  const resourceVersion = list?.metadata.resourceVersion
  if (list === undefined || resourceVersion === undefined) {
    throw localError('Garbage', action, 'the answer is no list')
  }
  // Go writes an empty list as null.
  const items: unknown = list['items'] ?? []
  if (!Array.isArray(items) || !items.every(isKubernetesObject)) {
    throw localError('Garbage', action, 'the list holds what is no object')
  }
  const next = list.metadata['continue']
  const kind = list.kind?.replace(/List$/, '')
  const { apiVersion } = list
  return {
    items: items.map((item) => ({
      ...(apiVersion === undefined ? {} : { apiVersion }),
      ...(kind === undefined ? {} : { kind }),
      ...item,
    })),
    resourceVersion,
    next: typeof next === 'string' && next !== '' ? next : undefined,
  }
}

function json(value: JsonObject): { type: string; text: string } {
  return { type: 'application/json', text: JSON.stringify(value) }
}
