import type { Dialect } from '#shared/dialects/surfaces.ts'
import { NotAnObject } from '#shared/dialects/top-level.ts'
import { CountingQueue } from './counting-queue.ts'
import type { Encoding } from './encoding.ts'
import type { Encodings } from './encodings.ts'
import { KnownTexts } from './known-texts.ts'
import { LargeObject } from './large-json/large-value.ts'
import { BrokenString } from './large-json/string-text.ts'
import { encodingOf } from './models.ts'
import { RequestCounting } from './request/count-request.ts'
import { modelFamily } from './request/families.ts'
import type { Family } from './request/family.ts'
import type { Exactness } from './request/tally.ts'
import { WaitingRoom } from './waiting-room.ts'

/** A body as it is at hand: parsed, and the bytes that it had; or the bytes of a large one. */
export type QuestionBody =
  | { readonly parsed: unknown; readonly size: number }
  | { readonly bytes: Buffer }

/** A question to a model. */
export interface Question {
  readonly dialect: Dialect
  /** In the provider's words. */
  readonly model: string
  /** The file of the model's tokenizer, where its target names one. */
  readonly tokenizer?: string | undefined
  readonly body: QuestionBody
  /** Whether its count is still of use: the call goes on. */
  readonly isWanted: () => boolean
}

/** What a question costs. As exact as the weakest of its parts. */
export interface InputCount {
  readonly tokens: number
  readonly exactness: Exactness
}

/**
 * Characters of one question that are counted before it waits in turn: a conversation of 100,000
 * tokens that was counted before is done at once, in less than 1 ms.
 */
const charactersAtFirst = 24_576
/** English prose has about four bytes a token. */
const bytesPerToken = 4
/** A parsed body and its texts hold about this much for each of its bytes. */
const heldPerByte = 2

/** Counts questions for one process: repeated texts once, long ones beside other work. */
export class Counter {
  /** Gone with the tokenizer: one that a configuration names no longer holds up to 10 MB. */
  readonly #texts = new WeakMap<Encoding, KnownTexts>()
  readonly #room = new WaitingRoom()
  readonly #queue: CountingQueue
  readonly #encodings: Encodings

  constructor(pause: () => Promise<void>, encodings: Encodings) {
    this.#queue = new CountingQueue(pause)
    this.#encodings = encodings
  }

  /**
   * At once where little is new; else a promise of it. Undefined where the caller left, where too
   * many wait already, and where a large body is no JSON.
   */
  count(question: Question): InputCount | Promise<InputCount | undefined> {
    const { model, tokenizer } = question
    const encoding = this.#encodings.find(model, tokenizer)
    if (encoding instanceof Promise) return this.#countAfter(encoding, question)
    const counting = new RequestCounting({
      dialect: question.dialect,
      body: bodyOf(question.body),
      family: familyOf(question, encoding),
      texts: encoding === undefined ? undefined : this.#textsOf(encoding),
    })
    const isParsed = 'parsed' in question.body
    if (isParsed && counting.step(charactersAtFirst)) return sumOf(counting)
    return this.#countLater(counting, question)
  }

  #textsOf(encoding: Encoding): KnownTexts {
    const known = this.#texts.get(encoding)
    if (known !== undefined) return known
    const texts = new KnownTexts(encoding)
    this.#texts.set(encoding, texts)
    return texts
  }

  /** Its body is held until the tokenizer is loaded. */
  async #countAfter(loaded: Promise<unknown>, question: Question): Promise<InputCount | undefined> {
    const bytes = heldBytes(question)
    if (!this.#room.enter(bytes)) return undefined
    await loaded.finally(() => this.#room.leave(bytes))
    return question.isWanted() ? this.count(question) : undefined
  }

  async #countLater(
    counting: RequestCounting,
    question: Question,
  ): Promise<InputCount | undefined> {
    const bytes = heldBytes(question)
    if (!this.#room.enter(bytes)) return undefined
    const { isWanted } = question
    try {
      const step = (characters: number) => counting.step(characters)
      const isDone = await this.#queue.run({ step, isWanted })
      return isDone ? sumOf(counting) : undefined
    } catch (error) {
      // The call is on its way with what it has; whoever reads its body refuses it.
      if (error instanceof NotAnObject || error instanceof BrokenString) return undefined
      throw error
    } finally {
      this.#room.leave(bytes)
    }
  }
}

function bodyOf(body: QuestionBody): unknown {
  return 'bytes' in body ? new LargeObject(body.bytes, 0, body.bytes.length) : body.parsed
}

function heldBytes({ body }: Question): number {
  return 'bytes' in body ? body.bytes.length : body.size * heldPerByte
}

function sumOf(counting: RequestCounting): InputCount {
  const { tokens, exactness } = counting.total()
  return { tokens, exactness }
}

/** Without a tokenizer at hand texts count by bytes, all else by the rules of the family. */
function familyOf({ model, tokenizer }: Question, encoding: Encoding | undefined): Family {
  const family = modelFamily(model)
  if (encoding === undefined) {
    const text = { kind: 'bytes', bytesPerToken } as const
    return family.text.kind === 'bytes' ? family : { ...family, text }
  }
  // The tokenizer of a file is the model's own; that of its name is what the family says it is.
  const isOfFile = tokenizer !== undefined && encoding.name !== encodingOf(model)
  return isOfFile ? { ...family, text: { kind: 'tokenizer', exactness: 'exact' } } : family
}
