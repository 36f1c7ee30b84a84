import type { Undo } from '#shared/call/clock.ts'
import type { CallContext } from '#shared/call/context.ts'
import type { Model } from '#shared/config/schema.ts'
import type { Surface } from '#shared/dialects/surfaces.ts'
import type { ValueRange } from '#shared/dialects/top-level.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { CallSpan } from '#shared/telemetry/tracing.ts'
import type { InputCount, QuestionBody } from '#shared/tokens/counter.ts'

/** Where a call goes. */
export interface Route {
  readonly provider: string
  readonly model: string
  /** host:port of the provider's ambassador, at least one. */
  readonly addresses: readonly string[]
  /** Tokens that the model takes at most, where the configuration says. */
  readonly contextWindow: number | undefined
  /** Path of the model's tokenizer.json, where the configuration names one. */
  readonly tokenizer: string | undefined
  /** Tokens to which its answers are capped. */
  readonly outputMax: number | undefined
}

/** One step of a chain: a target, or the end of it with the words for the caller. */
export type Link = Route | { readonly refuse: string }

/** What the layers of the sidecar find out about one call. */
export interface SidecarCall extends CallContext {
  surface: Surface | undefined
  /** The alias the application asked for. */
  modelAsked: string
  isStream: boolean
  /** Whether the provider shall drop the beginning of a question that is too long (`truncation: auto`). */
  isShortened: boolean
  /** The parsed body until it has been counted; undefined where it was only scanned. */
  question: QuestionBody | undefined
  /** Where the members of the question's body stand that the layers look at. */
  members: ReadonlyMap<string, ValueRange>
  /** What the question costs: by bytes until it has been counted. */
  input: InputCount
  /** What is tried, in this order; not empty. */
  chain: readonly Link[]
  /** Whether it addresses what is stored, as far as its ids tell. */
  isBound: boolean
  /** When and why the next link is tried. */
  fallback: Model['fallback']
  /** The target that it goes to. */
  route: Route | undefined
  /** Whether there is nothing to try behind it. */
  isLastLink: boolean
  /** Whether a guess at the tokens is enough to pass over the target. */
  mayGuess: boolean
  /** How long the target may queue and try; undefined for the last one, which has until the deadline. */
  patienceMs: number | undefined
  /** When an answer that has not begun is given up for the next target; undefined: only at the deadline. */
  turnMs: number | undefined
  /** Tries at providers by which the target's turn is over, those of earlier targets included. */
  attemptsUntil: number
  /** Until when counts are waited for. */
  countUntilMs: number | undefined
  /** Targets that did not serve, and why: `openai/gpt-5=rate-limited`. */
  readonly passedOver: string[]
  /** Undoes what is held for the turn of a target. */
  endTurn: Undo | undefined
  /** Tries at ambassadors. */
  attempts: number
  /** Tries of ambassadors at their providers, of all targets. */
  providerAttempts: number
  /** Milliseconds from the start to the head of the answer. */
  headMs: number | undefined
  usage: Usage | undefined
  /** Whether the ambassador said that the answer is not whole. */
  isCut: boolean
  /** What the ambassador's answer said of a second try. */
  replay: string | undefined
  span: CallSpan | undefined
}
