import { eventError, type KubernetesError, localError } from './kubernetes-error.ts'
import type { KubernetesObject } from './kubernetes-object.ts'
import { isJsonObject, isKubernetesObject, parsedJson } from './kubernetes-object.ts'

/** One change that a watch tells of; a bookmark's object has nothing but a resource version. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: KubernetesObject
}

/** Far above the 1.5 MiB that etcd stores of one object. */
export const lineBytesMax = 4 * 2 ** 20

const lineFeed = 10

/**
 * Cuts the body of a watch into its events: JSON objects, a line each. Bytes may be split anywhere,
 * since lines are decoded whole; what is left behind the last line feed at the end is no event.
 */
export class WatchDecoder {
  readonly #action: string
  readonly #onEvent: (event: WatchEvent) => void
  #fragments: Buffer[] = []
  #fragmentBytes = 0
  #error: KubernetesError | undefined

  /** `action` begins the messages of errors: `GET /api/v1/pods`. */
  constructor(action: string, onEvent: (event: WatchEvent) => void) {
    this.#action = action
    this.#onEvent = onEvent
  }

  /** Tells the events that `chunk` completes; gives the error that ends the watch, if there is one. */
  feed(chunk: Buffer): KubernetesError | undefined {
    let from = 0
    for (
      let at = chunk.indexOf(lineFeed);
      at >= 0 && this.#error === undefined;
      at = chunk.indexOf(lineFeed, from)
    ) {
      this.#line(this.#joined(chunk.subarray(from, at)))
      from = at + 1
    }
    if (this.#error === undefined) this.#keep(chunk.subarray(from))
    return this.#error
  }

  #joined(last: Buffer): Buffer {
    if (this.#fragmentBytes === 0) return last
    const whole = Buffer.concat([...this.#fragments, last])
    this.#fragments = []
    this.#fragmentBytes = 0
    return whole
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return
    this.#fragmentBytes += rest.length
    if (this.#fragmentBytes > lineBytesMax) {
      this.#error = localError('TooLarge', this.#action, 'an event is longer than 4MiB')
      this.#fragments = []
    } else this.#fragments.push(rest)
  }

  #line(line: Buffer): void {
    if (line.length > lineBytesMax) {
      this.#error = localError('TooLarge', this.#action, 'an event is longer than 4MiB')
      return
    }
    const text = line.toString('utf8')
    if (text.trim() === '') return
    const value = parsedJson(text)
    const event = eventOf(value)
    if (event !== undefined) this.#onEvent(event)
    else if (isJsonObject(value) && value['type'] === 'ERROR') {
      this.#error = eventError(this.#action, value['object'])
    } else this.#error = localError('Garbage', this.#action, 'an event cannot be read')
  }
}

function eventOf(value: unknown): WatchEvent | undefined {
  if (!isJsonObject(value)) return undefined
  const { type, object } = value
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return isKubernetesObject(object) ? { type, object } : undefined
    default:
      return undefined
  }
}
