import type { CallContext } from '#shared/call/context.ts'
import type { Surface } from '#shared/dialects/surfaces.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { CallSpan } from '#shared/telemetry/tracing.ts'
import type { InputCount } from '#shared/tokens/counter.ts'

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
}

/** What the layers of the sidecar find out about one call. */
export interface SidecarCall extends CallContext {
  surface: Surface | undefined
  /** The alias the application asked for. */
  modelAsked: string
  isStream: boolean
  /** The parsed body until it has been counted; undefined where it was only scanned. */
  question: unknown
  /** What the question costs: by bytes until it has been counted. */
  input: InputCount
  /** Targets that may take the call, in the order of the configuration. */
  targets: readonly Route[]
  /** The one of them that it goes to. */
  route: Route | undefined
  attempts: number
  /** Milliseconds from the start to the head of the answer. */
  headMs: number | undefined
  usage: Usage | undefined
  /** Whether the ambassador said that the answer is not whole. */
  isCut: boolean
  /** What the ambassador's answer said of a second try. */
  replay: string | undefined
  span: CallSpan | undefined
}
