import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import type { ObservedApi } from '#shared/kubernetes/observe.ts'
import type { WatchEnd, WatchOptions } from '#shared/kubernetes/watch.ts'
import { WatchDecoder } from '#shared/kubernetes/watch-decoder.ts'

interface Watcher {
  readonly options: WatchOptions
  readonly decoder: WatchDecoder
  readonly end: (end: WatchEnd) => void
  /** Written and not delivered yet. */
  bytes: Buffer
}

interface Past {
  readonly version: number
  readonly line: string
}

const unreachable = () =>
  new KubernetesError('Cannot GET /things: ECONNREFUSED', { status: 0, reason: 'Unreachable' })
const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }

/** One collection as an API server keeps it, driven step by step: the truth that observers follow. */
export class ModelServer implements ObservedApi {
  readonly objects = new Map<string, KubernetesObject>()
  readonly #past: Past[] = []
  readonly #watchers = new Set<Watcher>()
  #version = 0
  #compacted = 0
  #uids = 0
  isAway = false
  lists = 0
  watches = 0

  // Both answer later, as a server does.
  async list(): Promise<{ items: KubernetesObject[]; resourceVersion: string }> {
    this.lists++
    await Promise.resolve()
    if (this.isAway) throw unreachable()
    return { items: [...this.objects.values()], resourceVersion: String(this.#version) }
  }

  async watch(_path: string, options: WatchOptions): Promise<WatchEnd> {
    this.watches++
    await Promise.resolve()
    if (options.cancellation?.reason !== undefined) return { kind: 'cancelled' }
    if (this.isAway) return { kind: 'failed', error: unreachable() }
    const from = Number(options.resourceVersion)
    if (from < this.#compacted) {
      const error = new KubernetesError('Cannot GET /things: too old', {
        status: 410,
        reason: 'Expired',
      })
      return { kind: 'expired', error }
    }
    options.onOpen?.()
    return await new Promise((resolve) => {
      const watcher: Watcher = {
        options,
        decoder: new WatchDecoder('GET /things', (event) => options.onEvent(event)),
        end: (end) => {
          this.#watchers.delete(watcher)
          resolve(end)
        },
        bytes: Buffer.from(
          this.#past
            .filter(({ version }) => version > from)
            .map(({ line }) => line)
            .join(''),
        ),
      }
      this.#watchers.add(watcher)
      options.cancellation?.onCancel(() => watcher.end({ kind: 'cancelled' }))
    })
  }

  /** Makes the object, or changes it where it is there. */
  put(name: string, fields: Readonly<Record<string, unknown>>): void {
    const known = this.objects.get(name)
    const uid = known?.metadata.uid ?? `uid-${++this.#uids}`
    const resourceVersion = String(++this.#version)
    const object = { ...fields, metadata: { name, uid, resourceVersion } }
    this.objects.set(name, object)
    this.#tell(known === undefined ? 'ADDED' : 'MODIFIED', object)
  }

  remove(name: string): void {
    const known = this.objects.get(name)
    if (known === undefined) return
    this.objects.delete(name)
    const resourceVersion = String(++this.#version)
    this.#tell('DELETED', { ...known, metadata: { ...known.metadata, resourceVersion } })
  }

  bookmark(): void {
    this.#write('BOOKMARK', { metadata: { resourceVersion: String(this.#version) } })
  }

  /** Forgets what happened: older versions can be watched from no more. */
  compact(): void {
    this.#compacted = this.#version
    this.#past.length = 0
  }

  /** Tells watchers inside the stream that their version is too old. */
  expire(): void {
    this.#write('ERROR', gone)
  }

  /** Hands the next `bytes` of what was written to each watcher. */
  deliver(bytes: number): void {
    for (const watcher of this.#watchers) {
      const chunk = watcher.bytes.subarray(0, bytes)
      watcher.bytes = watcher.bytes.subarray(bytes)
      const error = watcher.decoder.feed(chunk)
      if (error === undefined) continue
      watcher.end(error.status === 410 ? { kind: 'expired', error } : { kind: 'failed', error })
    }
  }

  /** Breaks every watch; what was not delivered is lost. */
  cut(): void {
    for (const { end } of this.#watchers) end({ kind: 'failed', error: unreachable() })
  }

  /** Ends every watch as its time is over. */
  finish(): void {
    for (const { end } of this.#watchers) end({ kind: 'ended' })
  }

  #tell(type: string, object: KubernetesObject): void {
    this.#past.push({ version: this.#version, line: this.#write(type, object) })
  }

  #write(type: string, object: object): string {
    const line = `${JSON.stringify({ type, object })}\n`
    for (const watcher of this.#watchers) {
      watcher.bytes = Buffer.concat([watcher.bytes, Buffer.from(line)])
    }
    return line
  }
}

/** Lets everything that waits for no timer go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}
