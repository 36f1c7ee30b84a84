import { type ChatTemplate, type ContentFormat, renderChat } from './chat-template.ts'
import type { Json } from './json.ts'
import type { ChatFacts, TextFacts } from './prompt-facts.ts'
import type { SegmentIds } from './segment-ids.ts'

/** What makes a replica's tokens here. */
export interface LocalParts {
  readonly segments: SegmentIds
  /** Undefined where none is configured: conversations have no tokens here. */
  readonly template: ChatTemplate | undefined
  /** `bos_token` and its like, for the template. */
  readonly tokens: Json
}

/** What the replica showed of how it does it. */
export interface Manner {
  readonly format: ContentFormat
  /** What it puts before a plain prompt, such as the token of a beginning. */
  readonly before: Uint32Array
}

const none = new Uint32Array(0)

/** The tokens of prompts from the model's own tokenizer.json and chat template. */
export class LocalTokens {
  readonly #parts: LocalParts

  constructor(parts: LocalParts) {
    this.#parts = parts
  }

  /** Whether there is what this kind of prompt needs. */
  can(kind: 'chat' | 'text'): boolean {
    return kind === 'text' || this.#parts.template !== undefined
  }

  /** Whether this prompt can be made here. What is cut off a last message, the server alone knows. */
  covers(facts: ChatFacts | TextFacts): boolean {
    return facts.kind === 'text' || (!facts.continuesLast && !facts.addsSpecialTokens)
  }

  /**
   * At once where little is new. Throws or rejects what the template throws, and `overloaded`.
   */
  idsOf(facts: ChatFacts | TextFacts, manner: Manner): Uint32Array | Promise<Uint32Array> {
    const { segments } = this.#parts
    if (facts.kind === 'chat') return segments.idsOf(this.#render(facts, manner))
    const ids = segments.idsOf(facts.text)
    const before = facts.addsSpecialTokens ? manner.before : none
    if (before.length === 0) return ids
    return ids instanceof Promise ? ids.then((later) => behind(before, later)) : behind(before, ids)
  }

  /** Of a text in the midst of a prompt; undefined where it is too long to be encoded at once. */
  textIds(text: string): Uint32Array | undefined {
    return this.#parts.segments.idsAtOnce(text)
  }

  #render(facts: ChatFacts, { format }: Manner): string {
    const { template, tokens } = this.#parts
    if (template === undefined) throw new Error('Cannot render: there is no chat template')
    return renderChat(template, facts, { format, tokens })
  }
}

function behind(before: Uint32Array, ids: Uint32Array): Uint32Array {
  const all = new Uint32Array(before.length + ids.length)
  all.set(before)
  all.set(ids, before.length)
  return all
}
