import { isObject } from '#shared/dialects/usage.ts'
import { countChat } from './chat.ts'
import { addJson, type Counting, type CountText } from './counting.ts'
import type { Family } from './family.ts'
import { countAnthropicMessages } from './messages.ts'
import { countCompletions, countEmbeddings } from './prompts.ts'
import { countResponses } from './responses.ts'
import { createTally, type RequestCount } from './tally.ts'

/** The wire formats whose requests are counted. */
export type CountedDialect = 'chat' | 'completions' | 'embeddings' | 'messages' | 'responses'

/** A request and what is needed to count it. */
export interface CountableRequest {
  readonly dialect: CountedDialect
  /** The body, parsed from JSON; nothing else is known of it. */
  readonly body: unknown
  readonly family: Family
  readonly countText: CountText
}

type Json = Readonly<Record<string, unknown>>

const counters: Readonly<Record<CountedDialect, (counting: Counting, body: Json) => void>> = {
  chat: countChat,
  completions: countCompletions,
  embeddings: countEmbeddings,
  messages: countAnthropicMessages,
  responses: countResponses,
}

/**
 * Counts the input tokens of a whole request: messages and their frames, names, tools and the
 * choice among them, calls and results, images, documents, audio, reasoning and output schemas.
 * Whatever is not understood counts by its JSON, as an estimate; nothing that carries text is free.
 * Never throws where `countText` does not. Linear in the body, apart from `countText`; of inline
 * media only the heads are decoded.
 */
export function countRequest({ dialect, body, family, countText }: CountableRequest): RequestCount {
  const counting: Counting = { family, countText, tally: createTally() }
  if (isObject(body)) counters[dialect](counting, body)
  else addJson(counting, 'unknown', body)
  return counting.tally.total()
}
