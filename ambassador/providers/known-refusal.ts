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
  /** Whether what follows names the account, so that no caller may read it. */
  readonly namesAccount?: true
}

const windows: readonly RegExp[] = [
  /^this model's maximum context length is \d+ tokens\b/,
  /^'max_tokens' or 'max_completion_tokens' is too large: \d+\. this model's maximum context length is \d+/,
  /^you passed \d+ input (?:characters|tokens)(?: and requested \d+ output tokens)?\. however, the model's context length is only \d+/,
]

/**
 * OpenAI's words for its code, and those of vLLM, which have none. Whoever copies the one or runs the
 * other says the same.
 */
export const contextWindow: readonly KnownRefusal[] = windows.map((text) => ({
  statuses: [400],
  text,
  means: 'context-window',
}))
