import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject, mergeUsage, type Usage, usageOf } from '#shared/dialects/usage.ts'
import { CallError, replayOf } from '#shared/errors/call-error.ts'
import { parseEvents } from '#shared/http/sse.ts'
import type { BillFacts } from '../bill.ts'
import { modifiersOf } from '../prices/answer-facts.ts'
import { briefly } from '../retry/error-facts.ts'
import { deltaBytes, meaningOf, type SaidError } from './grammar.ts'

/** What to do with whole events that were looked at. */
export interface Verdict {
  /** To pass on; empty where all was taken out. */
  readonly pass: Buffer
  /** Set when the stream ends here: nothing after `pass` counts. */
  readonly failure: CallError | undefined
  /** The provider's own event of that failure, where it said one: it comes after `pass`. */
  readonly said: Buffer | undefined
}

/** Follows one stream of a provider: content, usage, end, and every way to be wrong. */
export class StreamWatch {
  readonly #dialect: Dialect
  readonly #stripsUsage: boolean
  readonly #expected: string | undefined
  #hasContent = false
  #isTerminated = false
  #usage: Usage | undefined
  #usageObject: BillFacts['usageObject']
  readonly #modifiers = new Set<string>()
  #model: string | undefined
  #finishReason: string | undefined
  #saidStatus: number | undefined
  #contentEvents = 0
  #contentBytes = 0
  /** Bytes of an event of content beside its content, as the first one has them. */
  #envelopeBytes = 0

  /**
   * @param stripsUsage the usage chunk was our wish, not the caller's.
   * @param expected the only model that may answer; undefined where others may.
   */
  constructor(dialect: Dialect, stripsUsage: boolean, expected?: string) {
    this.#dialect = dialect
    this.#stripsUsage = stripsUsage
    this.#expected = expected
  }

  get hasContent(): boolean {
    return this.#hasContent
  }

  /** Whether the dialect's last event has come. */
  get isTerminated(): boolean {
    return this.#isTerminated
  }

  get usage(): Usage | undefined {
    return this.#usage
  }

  /** What the events said of the bill. */
  get bill(): BillFacts {
    return { modifiers: [...this.#modifiers], usageObject: this.#usageObject }
  }

  get model(): string | undefined {
    return this.#model
  }

  get finishReason(): string | undefined {
    return this.#finishReason
  }

  /** Status that the provider has said inside of the stream, in place of an answer or its rest. */
  get saidStatus(): number | undefined {
    return this.#saidStatus
  }

  /** Events with content: the least number of output tokens, where no usage ever came. */
  get contentEvents(): number {
    return this.#contentEvents
  }

  /** About the bytes of all deltas: those of their events without what is around the content. */
  get contentBytes(): number {
    return this.#contentBytes
  }

  /** Looks at whole events. Parses them up to the first content, and then only where a key says so. */
  inspect(whole: Buffer): Verdict {
    const plainEvents = this.#hasContent ? this.#plainEvents(whole) : 0
    if (plainEvents > 0) {
      this.#contentEvents += plainEvents
      this.#contentBytes += Math.max(plainEvents, whole.length - plainEvents * this.#envelopeBytes)
      return { pass: whole, failure: undefined, said: undefined }
    }
    const passed: Buffer[] = []
    for (const event of splitEvents(whole)) {
      const found = this.#look(event)
      if (found === 'strip') continue
      if (found === 'pass') {
        passed.push(event)
        continue
      }
      const isRefusal = found.code === 'upstream-refused' && 'upstreamStatus' in found.facts
      const isSaid = isRefusal || found.code === 'upstream-failed'
      const said = isSaid ? event : undefined
      return { pass: Buffer.concat(passed), failure: found, said }
    }
    const pass = passed.length === 1 ? (passed[0] ?? whole) : Buffer.concat(passed)
    return { pass, failure: undefined, said: undefined }
  }

  /**
   * How many events these are where all carry content alone; 0 where one has to be parsed. A quote
   * inside a JSON string is escaped, so these keys cannot be part of generated text.
   */
  #plainEvents(whole: Buffer): number {
    const events = plainData(whole)
    if (events === 0 || whole.includes('"error"')) return 0
    if (this.#dialect === 'messages') {
      return whole.includes('"message_') || whole.includes('event: error') ? 0 : events
    }
    return hasValue(whole, '"usage":', 123) || hasValue(whole, '"finish_reason":', 34) ? 0 : events
  }

  #look(event: Buffer): 'pass' | 'strip' | CallError {
    const [parsed] = parseEvents(event)
    const data = parsed?.data
    if (data === undefined) return 'pass'
    if (data === '[DONE]') {
      this.#isTerminated = true
      return 'pass'
    }
    const value = parseObject(data)
    if (value === undefined) return garbage
    this.#takeUsage(value)
    this.#model ??= modelOf(value)
    const { hasContent } = this
    const other = hasContent ? undefined : otherModel(this.#expected, this.#model)
    if (other !== undefined) return other
    const meaning = meaningOf(this.#dialect, value)
    if (meaning.error !== undefined) {
      this.#saidStatus = meaning.error.status
      return providerError(meaning.error)
    }
    if (meaning.isAborted) {
      return new CallError('upstream-aborted', 'Cannot finish: the server stopped generating')
    }
    if (meaning.hasContent) this.#countContent(value, event.length)
    this.#finishReason ??= meaning.finishReason
    // An answer may be empty: its end commits it as content would.
    if (meaning.hasContent || meaning.finishReason !== undefined) this.#hasContent = true
    if (meaning.isLast) this.#isTerminated = true
    return this.#stripsUsage && isUsageChunk(value) ? 'strip' : 'pass'
  }

  #takeUsage(value: Json): void {
    for (const modifier of modifiersOf(value)) this.#modifiers.add(modifier)
    const later = usageOf(value)
    if (later === undefined) return
    this.#usage = mergeUsage(this.#usage, later)
    const usageObject = value['usage']
    if (isObject(usageObject)) this.#usageObject = usageObject
  }

  #countContent(value: Json, eventBytes: number): void {
    const bytes = deltaBytes(value)
    if (this.#contentEvents === 0) this.#envelopeBytes = eventBytes - bytes
    this.#contentEvents++
    this.#contentBytes += bytes
  }
}

const garbage = new CallError('upstream-garbage', 'Cannot go on: the stream holds no JSON')

/** An error object inside a 200: a server that was full can be asked again, the rest may bill twice. */
export function providerError({ message, status, type, code: said }: SaidError): CallError {
  const text = message.slice(0, 2_000)
  if (status === undefined) return new CallError('upstream-failed', text)
  const code = replayOf(status) === 'safe' ? 'upstream-refused' : 'upstream-failed'
  const words = { upstreamType: type.slice(0, 100), upstreamCode: said.slice(0, 100) }
  const cause = briefly(status, [said, type])
  return new CallError(code, text, { upstreamStatus: status, ...words, cause })
}

/**
 * A server without an adapter may answer with its base model: another one has it. Undefined where the model
 * is the expected one, or nobody says.
 */
export function otherModel(
  expected: string | undefined,
  model: string | undefined,
): CallError | undefined {
  if (expected === undefined || model === undefined || model === expected) return undefined
  const why = 'Cannot use the answer: it is of another model than the adapter that was asked'
  return new CallError('upstream-refused', why, { modelServed: model.slice(0, 100) })
}

type Json = Readonly<Record<string, unknown>>

function parseObject(data: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return isObject(value) ? value : undefined
  } catch {
    // The caller reports what is not JSON.
    return undefined
  }
}

function modelOf(value: Json): string | undefined {
  const holder = isObject(value['message']) ? value['message'] : value
  return typeof holder['model'] === 'string' ? holder['model'] : undefined
}

function isUsageChunk(value: Json): boolean {
  return (
    Array.isArray(value['choices']) && value['choices'].length === 0 && isObject(value['usage'])
  )
}

/** How many data lines there are where each begins with an object; else 0. */
function plainData(whole: Buffer): number {
  let at = 0
  let lines = 0
  while (at >= 0 && at < whole.length) {
    if (whole[at] === 100 && whole[at + 4] === 58) {
      const start = whole[at + 5] === 32 ? at + 6 : at + 5
      if (whole[start] !== 123) return 0
      lines++
    }
    at = whole.indexOf(10, at) + 1
    if (at === 0) break
  }
  return lines
}

/** Whether some `key` is followed by `first`, the first byte of a value that is not null. */
function hasValue(whole: Buffer, key: string, first: number): boolean {
  let at = whole.indexOf(key)
  while (at >= 0) {
    let next = at + key.length
    while (whole[next] === 32) next++
    if (whole[next] === first) return true
    at = whole.indexOf(key, next)
  }
  return false
}

const blankLine = /\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n/g

/** Whole events one by one, bytes unchanged. */
export function splitEvents(whole: Buffer): Buffer[] {
  const text = whole.toString('latin1')
  const events: Buffer[] = []
  let start = 0
  for (const match of text.matchAll(blankLine)) {
    const end = match.index + match[0].length
    events.push(whole.subarray(start, end))
    start = end
  }
  if (start < whole.length) events.push(whole.subarray(start))
  return events
}
