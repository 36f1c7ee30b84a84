/** What a provider's text can mean beyond its status. */
export type RefusalMeaning =
  | 'exhausted'
  | 'too-expensive'
  | 'dead-credential'
  | 'overloaded'
  | 'content-filter'
  | 'context-window'

/**
 * A refusal that one provider tells by its text alone. Providers quote the caller in their messages,
 * a member's name even at their beginning: `text` is anchored, and what puts a credential aside is no
 * beginning of a message that could go on with a quotation.
 */
export interface KnownRefusal {
  readonly statuses: readonly number[]
  /** `error.type` in lower case, where the provider always gives this one. */
  readonly type?: string
  /** Of the whole message, in lower case. */
  readonly text: RegExp
  readonly means: RefusalMeaning
}

/** OpenAI's, which those who copy it give without its code; vLLM and DeepSeek among them. */
export const contextLength: KnownRefusal = {
  statuses: [400],
  text: /^this model's maximum context length is \d+ tokens\b/,
  means: 'context-window',
}
