import type { Dialect } from '#shared/dialects/surfaces.ts'
import { CountingQueue } from './counting-queue.ts'
import type { Encoding } from './encoding.ts'
import type { Encodings } from './encodings.ts'
import { KnownCounts } from './known-counts.ts'
import { countRequest } from './request/count-request.ts'
import { modelFamily } from './request/families.ts'
import type { Family } from './request/family.ts'
import type { Exactness } from './request/tally.ts'

/** A question to a model, as it was parsed. */
export interface Question {
  readonly dialect: Dialect
  /** In the provider's words. */
  readonly model: string
  readonly body: unknown
  /** Whether its caller still waits. */
  readonly isWanted: () => boolean
}

/** What a question costs. As exact as the weakest of its parts. */
export interface InputCount {
  readonly tokens: number
  readonly exactness: Exactness
}

/** Characters of one question that are counted at once: about 1 ms of prose. */
const charactersAtOnce = 16_384
/** Shorter texts are counted anew each time: that costs less than to look them up. */
const charactersKnown = 64
/** What a text costs beside its characters, in characters. */
const charactersPerText = 100
/** English prose has about four bytes a token. */
const bytesPerToken = 4

/** Counts questions for one process: repeated texts once. */
export class Counter {
  readonly #known = new KnownCounts()
  readonly #queue: CountingQueue
  readonly #encodings: Encodings

  constructor(pause: () => Promise<void>, encodings: Encodings) {
    this.#queue = new CountingQueue(pause)
    this.#encodings = encodings
  }

  /**
   * At once where little is new; else a promise of it. Undefined where the caller left or too many
   * wait already.
   */
  count(question: Question): InputCount | Promise<InputCount | undefined> {
    const family = modelFamily(question.model)
    const encoding = this.#encodings.find(question.model)
    if (encoding === undefined) return estimated(question, family)
    if (encoding instanceof Promise) return encoding.then(() => this.count(question))
    return this.#countWith(encoding, question, family)
  }

  #countWith(
    encoding: Encoding,
    question: Question,
    family: Family,
  ): InputCount | Promise<InputCount | undefined> {
    const later = new Map<string, string>()
    const counted = this.#ask(encoding, question, { family, later, found: undefined })
    if (later.size === 0) return counted
    const texts = [...later.values()]
    const { isWanted } = question
    return this.#queue.count({ encoding, texts, isWanted }).then((counts) => {
      if (counts === undefined) return undefined
      // Of this question alone: what it needs must not be forgotten before it is asked for.
      const found = new Map<string, number>()
      let at = 0
      for (const [key, text] of later) {
        const tokens = counts[at++] ?? 0
        found.set(key, tokens)
        if (text.length > charactersKnown) this.#known.add(key, tokens)
      }
      return this.#ask(encoding, question, { family, later: new Map(), found })
    })
  }

  /** The sum, with 0 for texts that are put off until `later`. */
  #ask(encoding: Encoding, { dialect, body }: Question, memory: Memory): InputCount {
    let left = charactersAtOnce
    const countText = (text: string) => {
      const isShort = text.length <= charactersKnown
      const key = isShort ? text : this.#known.keyOf(encoding.name, text)
      const known = memory.found?.get(key) ?? (isShort ? undefined : this.#known.find(key))
      if (known !== undefined) return known
      const cost = text.length + charactersPerText
      if (cost > left) {
        memory.later.set(key, text)
        return 0
      }
      left -= cost
      const tokens = encoding.count(text)
      if (!isShort) this.#known.add(key, tokens)
      return tokens
    }
    const { tokens, exactness } = countRequest({ dialect, body, family: memory.family, countText })
    return { tokens, exactness }
  }
}

interface Memory {
  readonly family: Family
  readonly later: Map<string, string>
  readonly found: ReadonlyMap<string, number> | undefined
}

/** No tokenizer for this model is at hand: its texts by bytes, all else by its family's rules. */
function estimated({ dialect, body }: Question, family: Family): InputCount {
  const text: Family['text'] =
    family.text.kind === 'bytes' ? family.text : { kind: 'bytes', bytesPerToken }
  const { tokens, exactness } = countRequest({
    dialect,
    body,
    family: { ...family, text },
    countText: (given) => Math.ceil(Buffer.byteLength(given) / bytesPerToken),
  })
  return { tokens, exactness }
}
