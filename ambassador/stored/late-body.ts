import { isObject, readUsage } from '#shared/dialects/usage.ts'
import type { Body } from '#shared/http/body.ts'
import { ThroughBody } from '#shared/http/through-body.ts'
import { modifiersOf } from '../prices/answer-facts.ts'
import type { FinalFacts } from './background-book.ts'
import { MemberScanner } from './member-scanner.ts'

const lineFeed = 10
const carriageReturn = 13
const openBrace = 123
const dataField = Buffer.from('data:')

/** Of a response as it is, and of one in an event. */
const members = ['', 'response.'].flatMap((at) =>
  ['status', 'usage', 'service_tier'].map((name) => `${at}${name}`),
)

/**
 * A stored response, whole or as events, that passes as it is: at its end `onFinal` is told what it has
 * used, where it says so. One that still runs says nothing. What the caller has named so (parameters of
 * tools are repeated in each answer) is not looked at.
 */
export class LateBody extends ThroughBody {
  readonly #onFinal: (facts: FinalFacts) => void
  readonly #scanner = new MemberScanner(members)
  #form: 'unknown' | 'whole' | 'events' = 'unknown'
  /** Bytes of the line that were read, where they may be the name of its field. */
  #column = 0
  #isData = true
  #afterReturn = false
  #facts: FinalFacts | undefined

  constructor(body: Body, onFinal: (facts: FinalFacts) => void) {
    super(body)
    this.#onFinal = onFinal
  }

  override write(chunk: Buffer): boolean {
    if (this.#form === 'unknown') this.#form = formOf(chunk)
    if (this.#form === 'whole') this.#scanner.feed(chunk)
    else if (this.#form === 'events') this.#readLines(chunk)
    return super.write(chunk)
  }

  override end(): void {
    if (this.#form === 'whole') this.#take('')
    if (this.#facts !== undefined) this.#onFinal(this.#facts)
    super.end()
  }

  #readLines(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const byte = chunk[at] ?? 0
      if (byte === lineFeed || byte === carriageReturn) {
        this.#lineEnded(byte)
        at++
      } else if (this.#column < dataField.length) {
        this.#isData &&= byte === dataField[this.#column]
        this.#column++
        this.#afterReturn = false
        at++
      } else {
        const end = lineEnd(chunk, at)
        if (this.#isData) this.#scanner.feed(chunk, at, end)
        at = end
      }
    }
  }

  #lineEnded(byte: number): void {
    const isSecond = byte === lineFeed && this.#afterReturn
    this.#afterReturn = byte === carriageReturn
    if (isSecond) return
    if (this.#column === 0) {
      this.#take('response.')
      this.#scanner.reset()
    }
    this.#column = 0
    this.#isData = true
  }

  /** What a response at `at` says of its bill, once it has ended. */
  #take(at: '' | 'response.'): void {
    const status = this.#scanner.value(`${at}status`)
    if (status === 'queued' || status === 'in_progress') return
    const usageObject = this.#scanner.value(`${at}usage`)
    const usage = readUsage(usageObject)
    if (usage === undefined || !isObject(usageObject)) return
    const tier = this.#scanner.value(`${at}service_tier`)
    const modifiers = modifiersOf({ service_tier: tier, usage: usageObject })
    this.#facts = { usage, usageObject, modifiers }
  }
}

function formOf(chunk: Buffer): 'unknown' | 'whole' | 'events' {
  for (const byte of chunk) {
    if (byte !== 32 && byte !== 9 && byte !== lineFeed && byte !== carriageReturn) {
      return byte === openBrace ? 'whole' : 'events'
    }
  }
  return 'unknown'
}

function lineEnd(chunk: Buffer, from: number): number {
  for (let at = from; at < chunk.length; at++) {
    const byte = chunk[at]
    if (byte === lineFeed || byte === carriageReturn) return at
  }
  return chunk.length
}
