import type { CallContext } from '#shared/call/context.ts'
import type { Surface } from '#shared/dialects/surfaces.ts'
import type { ValueRange } from '#shared/dialects/top-level.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { CallResponse } from '#shared/http/call.ts'
import type { CallSpan } from '#shared/telemetry/tracing.ts'
import type { StreamWatch } from './attempt/stream-watch.ts'
import type { BillFacts } from './bill.ts'
import type { Pod } from './identity/identity.ts'
import type { Admission } from './limits/limiter.ts'
import type { Price } from './prices/price.ts'
import type { TokenSource } from './providers/entra/token-source.ts'
import type { Resumption } from './resume/resumption.ts'
import type { Late } from './stored/background-book.ts'

/** A response that is made in the background. */
export interface Background {
  /** As its provider knows it; undefined until its answer has told. */
  id: string | undefined
  /** Output tokens that are held for it where its question names no maximum. */
  readonly outputReserve: number
}

/** What the layers of the ambassador find out about one call. */
export interface AmbassadorCall extends CallContext {
  readonly provider: string
  tenant: string
  workload: string
  /** The pod that the caller has proven to be in; undefined where it has proven none. */
  pod: Pod | undefined
  /** One of the configuration's `classes`. */
  class: string
  surface: Surface | undefined
  /** The alias the application asked for. */
  modelAsked: string
  /** The model in the provider's words, as the sidecar asked for it. */
  model: string
  /** A LoRA adapter of the pool, which no other model may answer for; undefined for other models. */
  adapter: string | undefined
  /** The model the provider says it used. */
  modelServed: string | undefined
  isStream: boolean
  /** Of a form that passes: whether its model was found before anything was sent. */
  isModelNear: boolean
  /** Where the members of the question's body stand that the ambassador may have to change. */
  bodyValues: ReadonlyMap<string, ValueRange>
  /** The ambassador's own floor by bytes, or the sidecar's count where that is higher. */
  inputEstimate: number
  /** What a token costs; undefined where nobody knows. */
  price: Price | undefined
  /** Who sells, as published prices name it. */
  seller: string | undefined
  /** What a whole answer says of its bill; a stream's watch knows that of a stream. */
  bill: BillFacts
  /** What is held of the tenant's limits, from `limit` to the settling. */
  admission: Admission | undefined
  /** Tokens to which the sidecar caps each answer: it can only lower what the question allows. */
  outputCap: number | undefined
  /** Output tokens that the question allows, capped; undefined where nobody names a maximum. */
  outputMax: number | undefined
  /** Of a response that runs on at its provider, whoever listens; undefined for every other call. */
  background: Background | undefined
  /** What a stored response has used beyond the estimate that it was charged by, where this call shows it. */
  late: Late | undefined
  /** Affinity hint of the caller; names live inside a tenant. */
  session: string | undefined
  /** Credential, or replica of a pool, that holds what the question is bound to; undefined where any will do. */
  owner: string | undefined
  /** Name of the credential that the attempt is made with; undefined until one is chosen. */
  credential: string | undefined
  /** Of Microsoft Entra; undefined where nobody asks for any. */
  readonly tokens: TokenSource | undefined
  /** Instant on `clock.now()` after which nothing may wait or begin anew before content. */
  patienceUntilMs: number
  /** Attempts that other targets have used up. */
  attemptsBefore: number
  /** Attempts over all targets. */
  attemptsMax: number
  /** What failed attempts may be billed for. */
  earlier: Usage
  attempts: number
  /** Those of them that came as far as no provider, or found no entrance there. */
  unreached: number
  /** Whether the attempt under way, or the last one, may be billed. */
  mayBeBilled: boolean
  replica: string | undefined
  /** Addresses of a pool at which attempts of this call were made; only the last may have served it. */
  readonly replicasTried: string[]
  /** Told of the head of an answer that is no refusal, whatever its body turns out to hold. */
  onHead: ((head: Pick<CallResponse, 'status' | 'headers'>) => void) | undefined
  /** How its stream may go on at another replica; undefined where it may not. */
  resumption: Resumption | undefined
  usage: Usage | undefined
  /** Whether all of the answer is held, and its usage known, before its head goes. */
  isWhole: boolean
  /** Milliseconds from the first attempt to the commit, or to its failure. */
  providerMs: number
  /** Milliseconds from the start to the first content. */
  firstContentMs: number | undefined
  finishReason: string | undefined
  /** What follows the stream, once there is one. */
  streamWatch: StreamWatch | undefined
  /** Undefined while the call is not traced. */
  span: CallSpan | undefined
}
