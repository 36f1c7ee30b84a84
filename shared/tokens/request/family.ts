import type { ImageRule } from './image-cost.ts'
import type { Exactness } from './tally.ts'

/** How a text becomes tokens. */
export type TextRule =
  /** By the `CountText` of the call; exact only where that is the model's own tokenizer. */
  | { readonly kind: 'tokenizer'; readonly exactness: Exactness }
  /** No tokenizer is published: by UTF-8 bytes, which are characters in English. */
  | { readonly kind: 'bytes'; readonly bytesPerToken: number }

/** What a chat template adds around messages, in tokens. */
export interface Framing {
  /** Per message, without its role where `role` says that it is counted as a text. */
  readonly message: number
  readonly role: 'counted' | 'included'
  /** Per `name`, on top of its text. */
  readonly name: number
  /** What primes the reply. */
  readonly reply: number
  /** Once per prompt: begin-of-text. Also stands before the prompt of a completion. */
  readonly start: number
  /** A text the template puts into the system message, or into one of its own. */
  readonly preamble?: { readonly text: string; readonly place: 'system' | 'own message' }
  /** The system message of a conversation that starts without one. */
  readonly defaultSystem?: string
  readonly exactness: Exactness
}

/** How definitions of tools enter the prompt. */
export type ToolRule =
  | { readonly kind: 'namespace'; readonly exactness: Exactness }
  | { readonly kind: 'cookbook'; readonly exactness: Exactness }
  /** Anthropic's hidden system prompt, in tokens: `auto` and `none`, or `any` and `tool`. */
  | {
      readonly kind: 'anthropic'
      readonly free: number
      readonly forced: number
      readonly exactness: Exactness
    }
  /** The JSON of the tools and instructions of `overhead` tokens. Always an estimate. */
  | { readonly kind: 'json'; readonly overhead: number }

/** Everything that differs between models when their requests are counted. */
export interface Family {
  readonly id: string
  readonly text: TextRule
  readonly framing: Framing
  readonly image: ImageRule
  readonly tools: ToolRule
}
