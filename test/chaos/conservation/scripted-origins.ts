import type { Clock } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { BodySink } from '#shared/http/body.ts'
import type { InboundResponse, OriginOptions, OutboundRequest } from '#shared/http/client.ts'
import { Origins } from '#shared/http/client.ts'
import type { ExchangeLimits } from '#shared/http/exchange.ts'
import { header } from '#shared/http/headers.ts'
import { type Answer, answerOf } from './answers.ts'

/** What the provider itself knows of one call, all its attempts together. */
export interface Book {
  attempts: number
  /** How they ended, for messages. */
  trace: string
  /** Attempts that did not come as far. */
  gone: number
  /** Attempts that it took the question of, and may bill. */
  taken: number
  /** Input tokens of those. */
  input: number
  /** Output tokens in events or whole bodies that it wrote. */
  output: number
  /** Whether any of those attempts ended without its own last word on what it used. */
  isUnsure: boolean
}

const refusals = { '429': 0.04, '500': 0.04, '503': 0.02 } as const
const fates = {
  ok: 0.7,
  ...refusals,
  gone: 0.02,
  '504': 0.02,
  reset: 0.03,
  silent: 0.02,
  cut: 0.07,
  early: 0.02,
  error: 0.02,
} as const

type Fate = keyof typeof fates

function fateFor(random: number): Fate {
  let left = random
  for (const name of Object.keys(fates)) {
    if (!isFate(name)) continue
    left -= fates[name]
    if (left < 0) return name
  }
  return 'ok'
}

function isFate(name: string): name is Fate {
  return name in fates
}

/** A provider without sockets: each attempt ends as chance will have it, and is written down. */
export class ScriptedOrigins extends Origins {
  readonly books = new Map<string, Book>()
  readonly #clock: Clock
  readonly #random: () => number
  live = 0

  constructor(clock: Clock, random: () => number) {
    super()
    this.#clock = clock
    this.#random = random
  }

  override exchange(
    request: OutboundRequest,
    _options: OriginOptions,
    limits: ExchangeLimits,
  ): Promise<InboundResponse> {
    const book = this.#bookOf(header(request.headers, 'x-request-id') ?? '')
    book.attempts++
    const fate = fateFor(this.#random())
    book.trace += ` ${fate}`
    const refused = fate === '429' || fate === '500' || fate === '503' || fate === '504'
    const answer = refused ? undefined : answerOf(request, this.#random)
    const input = answerOf(request, () => 0).input
    if (fate === 'gone') book.gone++
    else if (!refused || fate === '504') {
      book.taken++
      book.input += input
      if (fate !== 'ok') book.isUnsure = true
    }
    this.live++
    const attempt = new Attempt({ fate, answer, book, input, limits, random: this.#random })
    return attempt.begin(this.#clock, () => this.live--)
  }

  #bookOf(id: string): Book {
    const known = this.books.get(id)
    if (known !== undefined) return known
    const made: Book = {
      trace: '',
      attempts: 0,
      gone: 0,
      taken: 0,
      input: 0,
      output: 0,
      isUnsure: false,
    }
    this.books.set(id, made)
    return made
  }
}

interface AttemptParts {
  readonly fate: Fate
  /** Undefined where it is a refusal. */
  readonly answer: Answer | undefined
  readonly book: Book
  readonly input: number
  readonly limits: ExchangeLimits
  readonly random: () => number
}

/** One attempt from its head to its end. */
class Attempt {
  readonly #parts: AttemptParts
  #sink: BodySink | undefined
  #hasEnded = false
  /** Told to a reader who comes after it. */
  #failure: CallError | undefined
  #release: () => void = () => {}
  #fail: (error: CallError) => void = () => {}

  constructor(parts: AttemptParts) {
    this.#parts = parts
  }

  begin(clock: Clock, done: () => void): Promise<InboundResponse> {
    const { limits, random, book } = this.#parts
    return new Promise((resolve, reject) => {
      let isAnswered = false
      const undoHead = clock.after(limits.headMs, () => {
        this.#fail(new CallError('head-timeout', 'Cannot get an answer: no head in time'))
      })
      let undoCancel = () => {}
      this.#release = () => {
        if (this.#hasEnded) return
        this.#hasEnded = true
        undoHead()
        undoCancel()
        done()
      }
      this.#fail = (error) => {
        if (this.#hasEnded) return
        this.#release()
        this.#failure = error
        if (isAnswered) this.#sink?.fail(error)
        else reject(error)
      }
      undoCancel = limits.cancellation.onCancel((reason) => {
        if (!isAnswered && !this.#hasEnded) this.#leftAlone()
        book.isUnsure ||= !this.#hasEnded
        this.#fail(reason)
      })
      clock.after(random() * 20, () => {
        if (this.#hasEnded || this.#parts.fate === 'silent') return
        const response = this.#head(clock)
        if (response === undefined) return
        isAnswered = true
        undoHead()
        resolve(response)
      })
    })
  }

  #head(clock: Clock): InboundResponse | undefined {
    const { fate, answer, random } = this.#parts
    if (fate === 'gone') {
      this.#fail(new CallError('connect-failed', 'Cannot connect: refused'))
      return undefined
    }
    if (fate === 'reset') {
      this.#fail(new CallError('upstream-reset', 'Cannot read the answer: reset'))
      return undefined
    }
    if (answer === undefined) {
      const hint = fate === '429' ? ['retry-after-ms', String(Math.ceil(random() * 50))] : []
      const body = Buffer.from('{"error":{"message":"no","type":"x","code":null}}')
      return this.#response(Number(fate), ['content-type', 'application/json', ...hint], {
        clock,
        pieces: [{ bytes: body, tokens: 0 }],
      })
    }
    return this.#response(200, ['content-type', answer.type], { clock, pieces: answer.pieces })
  }

  #response(
    status: number,
    headers: readonly string[],
    { clock, pieces }: { clock: Clock; pieces: Answer['pieces'] },
  ): InboundResponse {
    const { fate, random } = this.#parts
    const stopsAt = fate === 'cut' || fate === 'early' || fate === 'error' ? random() : 1
    const body = {
      pipe: (sink: BodySink) => {
        this.#sink = sink
        if (this.#failure !== undefined) sink.fail(this.#failure)
        this.#flow({ clock, pieces, at: 0, stop: Math.floor(stopsAt * pieces.length) })
      },
      resume() {},
      cancel: () => {
        this.#parts.book.isUnsure ||= !this.#hasEnded && status < 400
        this.#sink = undefined
        this.#release()
      },
    }
    return { status, headers, body, trailers: () => ({}) }
  }

  /** What would have been refused had begun, for all that whoever left can know. */
  #leftAlone(): void {
    const { fate, book, input } = this.#parts
    if (fate === 'gone') book.gone--
    if (fate !== 'gone' && fate !== '429' && fate !== '500' && fate !== '503') return
    book.taken++
    book.input += input
  }

  /** One piece after the other, each in its own time. */
  #flow(flow: { clock: Clock; pieces: Answer['pieces']; at: number; stop: number }): void {
    const { clock, pieces, at, stop } = flow
    clock.after(this.#parts.random() * 4, () => {
      if (this.#hasEnded) return
      const piece = pieces[at]
      if (piece === undefined || at >= stop) {
        this.#end(at < pieces.length)
        return
      }
      this.#parts.book.output += piece.tokens
      this.#sink?.write(piece.bytes)
      this.#flow({ clock, pieces, at: at + 1, stop })
    })
  }

  #end(isCut: boolean): void {
    const { fate } = this.#parts
    const sink = this.#sink
    if (isCut && fate !== 'early') {
      this.#fail(new CallError('upstream-reset', 'Cannot read the answer: reset'))
      return
    }
    if (!isCut) this.#parts.book.output += this.#parts.answer?.tokensAtEnd ?? 0
    this.#release()
    sink?.end()
  }
}
