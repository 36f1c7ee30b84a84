/** Labels of one series by their names, escapes undone. */
export type Labels = ReadonlyMap<string, string>

/** Told of each wanted series, in the order of the page; `found` is what its name stands for. */
export type TakeSeries<T> = (found: T, labels: Labels, value: number) => void

/** vLLM 0.32's longest line that anybody wants has 1,400 bytes and 37 labels. */
const lineBytesMax = 64 * 1024
const labelsMax = 128
/** `+Inf`, or a float with all of its digits; a hostile one is not looked at. */
const numberCharsMax = 64
const labelPattern = /^[A-Za-z_]\w*$/
const numberPattern = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/

const hash = 35
const tab = 9
const lineFeed = 10
const space = 32
const braceOpen = 123

const noLabels: Labels = new Map()

interface WantedName<T> {
  readonly bytes: Buffer
  readonly found: T
}

/** Names to be found on a page, looked up without an allocation. Built once, read by many pages. */
export class WantedNames<T> {
  readonly #buckets: WantedName<T>[][] = Array.from({ length: 256 }, () => [])

  constructor(names: ReadonlyMap<string, T>) {
    for (const [name, found] of names) {
      const bytes = Buffer.from(name)
      this.#buckets[hashOf(bytes, 0, bytes.length) & 255]?.push({ bytes, found })
    }
  }

  find(line: Buffer, start: number, end: number): T | undefined {
    const bucket = this.#buckets[hashOf(line, start, end) & 255]
    if (bucket === undefined) return undefined
    for (const { bytes, found } of bucket) {
      const isSame = bytes.length === end - start && bytes.compare(line, start, end) === 0
      if (isSame) return found
    }
    return undefined
  }
}

function hashOf(bytes: Buffer, start: number, end: number): number {
  let mixed = 0
  for (let at = start; at < end; at++) mixed = (Math.imul(mixed, 31) + (bytes[at] ?? 0)) | 0
  return mixed ^ (mixed >>> 15)
}

/**
 * Reads a page of the Prometheus text format (0.0.4) or OpenMetrics as it comes, whatever its
 * pieces, and tells of the series whose names are wanted: exactly these names, so that the
 * `_created` and `_bucket` lines beside them are passed over. Timestamps and exemplars are dropped.
 * A line that cannot be read, or is above 64 KiB or 128 labels, is counted and left out. Cost:
 * linear in the bytes, and no allocation for what is not wanted; it holds one line at most.
 *
 * Sources: prometheus.io/docs/instrumenting/exposition_formats, OpenMetrics 1.0.
 */
export class PrometheusText<T> {
  readonly #wanted: WantedNames<T>
  readonly #take: TakeSeries<T>
  /** The begin of a line whose end has not come. */
  #held = Buffer.alloc(0)
  #heldBytes = 0
  #isSkipping = false
  #faults = 0

  constructor(wanted: WantedNames<T>, take: TakeSeries<T>) {
    this.#wanted = wanted
    this.#take = take
  }

  /** Wanted lines that could not be read, and lines too long to tell. */
  get faults(): number {
    return this.#faults
  }

  write(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      if (this.#isSkipping) this.#isSkipping = false
      else if (this.#heldBytes === 0) this.#readLine(chunk, start, end)
      else {
        this.#hold(chunk, start, end)
        this.#readHeld()
      }
      start = end + 1
    }
    if (start < chunk.length && !this.#isSkipping) this.#hold(chunk, start, chunk.length)
  }

  /** The page has ended: its last line may lack a line feed. */
  end(): void {
    this.#readHeld()
    this.#isSkipping = false
  }

  /** Grows by doubling: a page that drips byte by byte is copied twice, not once for each byte. */
  #hold(chunk: Buffer, start: number, end: number): void {
    const needed = this.#heldBytes + end - start
    if (needed > lineBytesMax) {
      this.#faults++
      this.#heldBytes = 0
      this.#isSkipping = true
      return
    }
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#held.length * 2, 512))
      this.#held.copy(grown, 0, 0, this.#heldBytes)
      this.#held = grown
    }
    chunk.copy(this.#held, this.#heldBytes, start, end)
    this.#heldBytes = needed
  }

  #readHeld(): void {
    const end = this.#heldBytes
    this.#heldBytes = 0
    // What was too long has been dropped, and its line has ended here.
    if (this.#isSkipping) this.#isSkipping = false
    else this.#readLine(this.#held, 0, end)
  }

  #readLine(bytes: Buffer, from: number, end: number): void {
    if (end - from > lineBytesMax) {
      this.#faults++
      return
    }
    let start = from
    while (start < end && (bytes[start] === space || bytes[start] === tab)) start++
    if (start === end || bytes[start] === hash) return
    let nameEnd = start
    while (nameEnd < end && !isNameEnd(bytes[nameEnd])) nameEnd++
    const found = this.#wanted.find(bytes, start, nameEnd)
    if (found !== undefined) this.#readSeries(found, bytes.toString('utf8', nameEnd, end))
  }

  /** `rest`: all that stands behind the name. */
  #readSeries(found: T, rest: string): void {
    const behind = rest.trimStart()
    const labelled = behind.startsWith('{') ? readLabels(behind) : { labels: noLabels, end: 0 }
    const value = labelled === undefined ? undefined : readNumber(behind.slice(labelled.end))
    if (labelled === undefined || value === undefined) this.#faults++
    else this.#take(found, labelled.labels, value)
  }
}

function isNameEnd(byte: number | undefined): boolean {
  return byte === braceOpen || byte === space || byte === tab
}

interface Labelled {
  readonly labels: Labels
  /** Where the value may begin. */
  readonly end: number
}

/** Reads `{name="value",…}` at the begin of `text`; undefined where it is broken. */
function readLabels(text: string): Labelled | undefined {
  const labels = new Map<string, string>()
  let at = afterSpace(text, 1)
  while (text[at] !== '}') {
    const equals = text.indexOf('=', at)
    if (equals < 0 || labels.size === labelsMax) return undefined
    const name = text.slice(at, equals).trimEnd()
    const quote = afterSpace(text, equals + 1)
    const end = text[quote] === '"' ? endOfQuoted(text, quote + 1) : -1
    if (!labelPattern.test(name) || end < 0) return undefined
    labels.set(name, unescaped(text.slice(quote + 1, end)))
    at = afterSpace(text, end + 1)
    if (text[at] === ',') at = afterSpace(text, at + 1)
    else if (text[at] !== '}') return undefined
  }
  return { labels, end: at + 1 }
}

function afterSpace(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}

/** Where the quote stands that ends a value; -1 where there is none. */
function endOfQuoted(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0
    while (quote - slashes > from && text[quote - slashes - 1] === '\\') slashes++
    // An odd number of backslashes escapes the quote behind them.
    if (slashes % 2 === 0) return quote
  }
  return -1
}

/** A backslash before anything but `\`, `"` and `n` stands for itself. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  return text.replaceAll(/\\[\\"n]/g, (pair) => (pair === '\\n' ? '\n' : (pair[1] ?? '')))
}

/** The first word of `text` as a number; undefined where it is none. */
function readNumber(text: string): number | undefined {
  const [word = ''] = text
    .slice(0, numberCharsMax * 2)
    .trimStart()
    .split(/\s/, 1)
  if (word.length > numberCharsMax) return undefined
  if (numberPattern.test(word)) return Number(word)
  return namedNumbers.get(word.toLowerCase())
}

const namedNumbers: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['+inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])
