import type { Account, FinishReason } from './account.ts'
import { encodeChat } from './encode-chat.ts'
import { encodeCompletions } from './encode-completions.ts'
import { encodeMessages } from './encode-messages.ts'
import { encodeResponses } from './encode-responses.ts'
import type { Dialect, Question } from './question.ts'
import type { Refusal } from './refusal.ts'

/** One token of a stream, the last where `finish` is set. */
export interface Piece {
  readonly text: string
  readonly isFirst: boolean
  readonly finish: FinishReason | null
  readonly account: Account
}

/** A finished answer. */
export interface Answer {
  readonly text: string
  readonly finish: FinishReason
  readonly account: Account
}

/** Writes one call's answer in its dialect. Events are whole: each ends with its empty line. */
export interface Encoder {
  /** Events sent with the head, before the engine has begun. */
  opening(): string[]
  /**
   * The events of one token: those that must come before the first, and those after the last, are
   * among them.
   */
  piece(piece: Piece): string[]
  /** The body of an answer that is not streamed. */
  whole(answer: Answer): string
  /** The end of a stream that broke after its head, and whether the connection is then cut. */
  refusal(why: Refusal): { readonly events: string[]; readonly isCut: boolean }
}

/** What an encoder knows of its call. */
export interface EncoderContext {
  readonly question: Question
  readonly model: string
  /** The request's `X-Request-Id`, or one made for it. */
  readonly requestId: string
  readonly createdS: number
  readonly newId: () => string
  /** Whether usage tells cached tokens; true where absent. */
  readonly tellsDetails?: boolean
}

const encoders: Readonly<Record<Dialect, (context: EncoderContext) => Encoder>> = {
  chat: encodeChat,
  completions: encodeCompletions,
  messages: encodeMessages,
  responses: encodeResponses,
}

export function encoderOf(context: EncoderContext): Encoder {
  return encoders[context.question.dialect](context)
}
