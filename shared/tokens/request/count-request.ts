import { LargeObject } from '#shared/tokens/large-json/large-value.ts'
import { countChat } from './chat.ts'
import { addEstimate, type Counting, type Texts } from './counting.ts'
import { Opening } from './each.ts'
import type { Family } from './family.ts'
import { addJson } from './json.ts'
import { countAnthropicMessages } from './messages.ts'
import { countCompletions, countEmbeddings } from './prompts.ts'
import { countResponses } from './responses.ts'
import { createTally, type RequestCount } from './tally.ts'
import { isObject, type Json } from './value.ts'

/** The wire formats whose requests are counted. */
export type CountedDialect = 'chat' | 'completions' | 'embeddings' | 'messages' | 'responses'

/** A request and what is needed to count it. */
export interface CountableRequest {
  readonly dialect: CountedDialect
  /** The body, parsed from JSON, or a `LargeObject`; nothing else is known of it. */
  readonly body: unknown
  readonly family: Family
  /** Undefined where the family counts texts by bytes. */
  readonly texts: Texts | undefined
}

const counters: Readonly<Record<CountedDialect, (counting: Counting, body: Json) => void>> = {
  chat: countChat,
  completions: countCompletions,
  embeddings: countEmbeddings,
  messages: countAnthropicMessages,
  responses: countResponses,
}

/** Characters of text of one request that are counted: the rest is estimated by their ratio. */
const charactersMax = 8 * 1024 * 1024

/** English prose has about four characters a token. */
const charactersPerToken = 4

/** Stands where no text is counted. */
const textsByBytes: Texts = {
  find: (text) => Math.ceil(Buffer.byteLength(text) / charactersPerToken),
  begin: (text) => ({
    tokens: Math.ceil(Buffer.byteLength(text) / charactersPerToken),
    step: () => true,
  }),
}

/**
 * Counts the input tokens of a whole request, step by step: messages and their frames, names, tools
 * and the choice among them, calls and results, images, documents, audio, reasoning and output
 * schemas. Whatever is not understood counts by its JSON, as an estimate; nothing that carries text
 * is free. Linear in the body, apart from the texts; of inline media only the heads are decoded.
 */
export class RequestCounting {
  readonly #counting: Counting
  readonly #request: CountableRequest
  #isBegun = false

  constructor(request: CountableRequest) {
    this.#request = request
    this.#counting = {
      family: request.family,
      texts: request.texts ?? textsByBytes,
      tally: createTally(),
      progress: {
        waiting: [],
        atEnd: [],
        left: 0,
        charactersLeft: charactersMax,
        counted: 0,
        countedTokens: 0,
        uncounted: new Map(),
      },
    }
  }

  /**
   * Goes on for as much as counting `characters` of text costs; whether all is counted. Throws
   * `NotAnObject` or `BrokenString` where a body that was not parsed is broken.
   */
  step(characters: number): boolean {
    const { progress } = this.#counting
    const { waiting } = progress
    progress.left = characters
    if (!this.#isBegun) this.#begin()
    while (waiting.length > 0 && progress.left > 0) {
      const last = waiting.length - 1
      // What it leaves stands behind it, and comes first.
      if (waiting[last]?.step(this.#counting) === true) waiting.splice(last, 1)
    }
    if (waiting.length > 0) return false
    for (const finish of progress.atEnd.splice(0)) finish()
    return true
  }

  /** The sum; of what was counted so far before a step gave true. */
  total(): RequestCount {
    const { progress, tally } = this.#counting
    const { counted, countedTokens, uncounted } = progress
    const ratio = counted === 0 ? 1 / charactersPerToken : countedTokens / counted
    for (const [what, characters] of uncounted) {
      addEstimate(this.#counting, what, Math.ceil(characters * ratio))
    }
    uncounted.clear()
    const total = tally.total()
    if (total.tokens > 0) return total
    // No provider takes an empty prompt; nothing here is free.
    addEstimate(this.#counting, 'framing', 1)
    return tally.total()
  }

  #begin(): void {
    this.#isBegun = true
    const { body, dialect } = this.#request
    const count = (value: unknown) => {
      if (isObject(value)) counters[dialect](this.#counting, value)
      else addJson(this.#counting, 'unknown', value)
    }
    if (body instanceof LargeObject)
      this.#counting.progress.waiting.push(new Opening(body, count, 0))
    else count(body)
  }
}
