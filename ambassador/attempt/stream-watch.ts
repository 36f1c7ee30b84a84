import { lastSequence } from '#shared/dialects/sequence.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject, mergeUsage, type Usage, usageOf } from '#shared/dialects/usage.ts'
import { CallError, replayOf } from '#shared/errors/call-error.ts'
import { parseEvents } from '#shared/http/sse.ts'
import type { BillFacts } from '../bill.ts'
import { modifiersOf } from '../prices/answer-facts.ts'
import { briefly } from '../retry/error-facts.ts'
import { deltaBytes, meaningOf } from './grammar.ts'
import type { Meaning, SaidError } from './meaning.ts'
import { plainEvents } from './plain-events.ts'
import { TornEvent } from './torn-event.ts'

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
  /** Responses: its last event repeats the answer, and none is `[DONE]`. */
  readonly #isNumbered: boolean
  readonly #expected: string | undefined
  #hasContent = false
  #isTerminated = false
  #usage: Usage | undefined
  #usageObject: BillFacts['usageObject']
  #isToldLate = false
  readonly #modifiers = new Set<string>()
  #model: string | undefined
  #finishReason: string | undefined
  #saidStatus: number | undefined
  #contentEvents = 0
  #contentBytes = 0
  /** Bytes of an event of content beside its content, as the first one has them. */
  #envelopeBytes = 0
  /** Number of the event that would come next, where events are numbered. */
  #sequence = 0
  #torn: TornEvent | undefined

  /**
   * @param stripsUsage the usage chunk was our wish, not the caller's.
   * @param expected the only model that may answer; undefined where others may.
   */
  constructor(dialect: Dialect, stripsUsage: boolean, expected?: string) {
    this.#dialect = dialect
    this.#isNumbered = dialect === 'responses'
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

  /** Whether usage came with or behind the content: what a stream's beginning says is no last word. */
  get isToldLate(): boolean {
    return this.#isToldLate
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

  /** Number of the event that would come next; 0 in dialects that number none. */
  get sequence(): number {
    return this.#sequence
  }

  /** Looks at a piece of an event over the limit, which passes unheld. */
  inspectTorn(piece: Buffer): void {
    this.#torn ??= new TornEvent()
    this.#torn.take(piece)
  }

  /** Looks at whole events. Parses them up to the first content, and then only where a key says so. */
  inspect(whole: Buffer): Verdict {
    if (this.#torn !== undefined) return this.#endTorn(this.#torn, whole)
    if (this.#isNumbered) this.#sequence = (lastSequence(whole) ?? this.#sequence - 1) + 1
    const plain = this.#plainEvents(whole)
    if (plain > 0) {
      this.#contentEvents += plain
      this.#contentBytes += Math.max(plain, whole.length - plain * this.#envelopeBytes)
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

  /** How many events these are where none has to be parsed; else 0. */
  #plainEvents(whole: Buffer): number {
    // Until it is known how much of a delta is content: the first content may be something else.
    if (!this.#hasContent || (this.#isNumbered && this.#envelopeBytes === 0)) return 0
    return plainEvents(this.#dialect, whole)
  }

  #look(event: Buffer): 'pass' | 'strip' | CallError {
    const [parsed] = parseEvents(event)
    const data = parsed?.data
    if (data === undefined) return 'pass'
    if (data === '[DONE]') {
      // Some send it behind the last event of Responses, which no other one stands for.
      if (!this.#isNumbered) this.#isTerminated = true
      return 'pass'
    }
    const value = parseObject(data)
    if (value === undefined) return garbage
    const meaning = meaningOf(this.#dialect, value)
    const tells = this.#takeUsage(value, meaning)
    this.#model ??= modelOf(value)
    const { hasContent } = this
    const other = hasContent ? undefined : otherModel(this.#expected, this.#model)
    if (other !== undefined) return other
    if (meaning.isLast) this.#isTerminated = true
    const failure = this.#failureOf(meaning)
    if (failure !== undefined) return failure
    if (meaning.hasContent) this.#countContent(value, event.length)
    if (tells) this.#isToldLate = this.#contentEvents > 0
    this.#finishReason ??= meaning.finishReason
    // An answer may be empty: its end commits it as content would.
    if (meaning.hasContent || meaning.finishReason !== undefined) this.#hasContent = true
    return this.#stripsUsage && isUsageChunk(value) ? 'strip' : 'pass'
  }

  #failureOf({ error, isAborted }: Meaning): CallError | undefined {
    if (error !== undefined) {
      this.#saidStatus = error.status
      return providerError(error)
    }
    if (!isAborted) return undefined
    return new CallError('upstream-aborted', 'Cannot finish: the server stopped generating')
  }

  /** The rest of an event that was looked at in pieces, and perhaps more of them. */
  #endTorn(torn: TornEvent, whole: Buffer): Verdict {
    const { lastBytes } = torn
    const [event = whole] = splitEvents(Buffer.concat([lastBytes, whole]))
    const rest = whole.subarray(0, event.length - lastBytes.length)
    // In other dialects the last event is short. The rest itself may look like an event.
    const end = this.#isNumbered ? torn.end(rest) : undefined
    this.#torn = undefined
    if (end !== undefined) {
      this.#isTerminated = true
      this.#usage = end.usage ?? this.#usage
      this.#isToldLate ||= end.usage !== undefined
    }
    if (end?.hasFailed === true) {
      const failure = new CallError('upstream-failed', 'Cannot finish: the provider has failed')
      // The provider's own words have passed already.
      return { pass: rest, failure, said: Buffer.alloc(0) }
    }
    if (rest.length === whole.length) return { pass: whole, failure: undefined, said: undefined }
    const verdict = this.inspect(whole.subarray(rest.length))
    return { ...verdict, pass: Buffer.concat([rest, verdict.pass]) }
  }

  /** Whether the event has one. */
  #takeUsage(value: Json, { isLast }: { readonly isLast: boolean }): boolean {
    // The beginning of Responses repeats what was asked for, not how it is served.
    if (!this.#isNumbered || isLast) {
      for (const modifier of modifiersOf(value)) this.#modifiers.add(modifier)
    }
    const later = usageOf(value)
    if (later === undefined) return false
    this.#usage = mergeUsage(this.#usage, later)
    const holder = isObject(value['response']) ? value['response'] : value
    const usageObject = holder['usage']
    if (isObject(usageObject)) this.#usageObject = usageObject
    return true
  }

  #countContent(value: Json, eventBytes: number): void {
    const bytes = deltaBytes(value)
    const isFirst = this.#isNumbered
      ? this.#envelopeBytes === 0 && bytes > 0
      : this.#contentEvents === 0
    if (isFirst) this.#envelopeBytes = eventBytes - bytes
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
  const inner = value['message'] ?? value['response']
  const holder = isObject(inner) ? inner : value
  return typeof holder['model'] === 'string' ? holder['model'] : undefined
}

function isUsageChunk(value: Json): boolean {
  return (
    Array.isArray(value['choices']) && value['choices'].length === 0 && isObject(value['usage'])
  )
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
