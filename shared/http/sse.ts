import { compact } from './body.ts'

/** An event beyond this many bytes flows unheld, so that memory stays bounded. */
export const eventBytesMax = 1024 * 1024

const lineFeed = 10
const carriageReturn = 13

/**
 * Cuts a byte stream behind whole server-sent events (WHATWG HTML, 9.2.6: lines end with LF, CR or
 * CRLF; a blank line ends an event). Keeps the fragment behind the last one. Cost is linear in the
 * bytes, however they are split.
 */
export class EventFramer {
  #fragments: Buffer[] = []
  #fragmentBytes = 0
  /** The last three bytes, on their own: a view would keep the whole chunk in memory. */
  readonly #tail = Buffer.alloc(3)
  #isTorn = false

  /** Bytes of an unfinished event that are held back. */
  get heldBytes(): number {
    return this.#fragmentBytes
  }

  /** Whether part of an unfinished event has been given out already (event over the limit). */
  get isTorn(): boolean {
    return this.#isTorn
  }

  /** All whole events that `chunk` completes, as one piece; undefined when it completes none. */
  feed(chunk: Buffer): Buffer | undefined {
    const cut = boundary(chunk, this.#tail)
    keepTail(this.#tail, chunk)
    if (cut === 0) return this.#keep(chunk)
    this.#isTorn = false
    const head = cut === chunk.length ? chunk : chunk.subarray(0, cut)
    const whole = this.#fragmentBytes === 0 ? head : Buffer.concat([...this.#fragments, head])
    // Copied: a slice would keep the whole chunk alive for its last few bytes.
    this.#fragments = cut === chunk.length ? [] : [Buffer.from(chunk.subarray(cut))]
    this.#fragmentBytes = chunk.length - cut
    return whole
  }

  #keep(chunk: Buffer): Buffer | undefined {
    if (this.#isTorn) return chunk
    this.#fragments.push(compact(chunk))
    this.#fragmentBytes += chunk.length
    if (this.#fragmentBytes <= eventBytesMax) return undefined
    this.#isTorn = true
    const held = Buffer.concat(this.#fragments)
    this.#fragments = []
    this.#fragmentBytes = 0
    return held
  }
}

function keepTail(tail: Buffer, chunk: Buffer): void {
  const taken = Math.min(3, chunk.length)
  tail.copyWithin(0, taken)
  for (let at = 0; at < taken; at++) tail[3 - taken + at] = chunk[chunk.length - taken + at] ?? 0
}

/** Length of `chunk` up to and with the last blank line in it; 0 for none. `tail` came before it. */
function boundary(chunk: Buffer, tail: Buffer): number {
  const hasReturns = chunk.includes(carriageReturn) || tail.includes(carriageReturn)
  if (!hasReturns) return lineFeedBoundary(chunk, tail)
  const at = (index: number) => (index >= 0 ? chunk[index] : tail[tail.length + index])
  for (let index = chunk.length - 1; index >= 0; index--) {
    const byte = chunk[index]
    if (byte !== lineFeed && byte !== carriageReturn) continue
    const before = at(index - 1)
    if (byte === carriageReturn && (before === lineFeed || before === carriageReturn)) {
      return index + 1
    }
    if (byte !== lineFeed) continue
    if (before === lineFeed) return index + 1
    const second = at(index - 2)
    if (before === carriageReturn && (second === lineFeed || second === carriageReturn)) {
      return index + 1
    }
  }
  return 0
}

function lineFeedBoundary(chunk: Buffer, tail: Buffer): number {
  const last = chunk.length - 1
  if (last >= 1 && chunk[last] === lineFeed && chunk[last - 1] === lineFeed) return chunk.length
  const found = chunk.lastIndexOf('\n\n')
  if (found >= 0) return found + 2
  return chunk[0] === lineFeed && tail.at(-1) === lineFeed ? 1 : 0
}

/** What one event carries; `data` is undefined for comments and events without data. */
export interface ServerSentEvent {
  readonly event: string | undefined
  readonly data: string | undefined
}

/** Parses whole events as {@link EventFramer} gives them. Events without fields are left out. */
export function parseEvents(whole: Buffer): ServerSentEvent[] {
  const events: ServerSentEvent[] = []
  let name: string | undefined
  let data: string[] = []
  // A BOM is allowed at the start of a stream; nowhere else does one begin a line.
  const lines = whole
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
  for (const line of lines) {
    if (line === '') {
      if (name !== undefined || data.length > 0) {
        events.push({ event: name, data: data.length > 0 ? data.join('\n') : undefined })
      }
      name = undefined
      data = []
      continue
    }
    const [field, value] = splitField(line)
    if (field === 'data') data.push(value)
    else if (field === 'event') name = value
  }
  return events
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1
  return [line.slice(0, colon), line.slice(start)]
}
