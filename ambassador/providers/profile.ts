import type { AuthForm } from '#shared/config/credential-schema.ts'
import type { PresetName } from '#shared/config/presets.ts'
import type { Dialect as SpokenDialect } from '#shared/config/provider-schema.ts'
import type { Provider, ProviderKind } from '#shared/config/schema.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import type { LimitShape } from '../quota/shape.ts'
import { anthropic } from './anthropic.ts'
import { azure, azureDeployments } from './azure.ts'
import { deepseek } from './deepseek.ts'
import { groq } from './groq.ts'
import type { KnownRefusal } from './known-refusal.ts'
import { mistral } from './mistral.ts'
import { nim } from './nim.ts'
import { ollama } from './ollama.ts'
import { openai } from './openai.ts'
import { openaiCompatible } from './openai-compatible.ts'
import { openrouter } from './openrouter.ts'
import { vllm } from './vllm.ts'
import { xai } from './xai.ts'

/** What is particular to one kind of provider: each has a file with its own. */
export interface Profile {
  /** For people. */
  readonly title: string
  /** `gen_ai.provider.name` of the OpenTelemetry GenAI conventions; its own name where they have none. */
  readonly telemetryName: string
  /** Where it is unless the configuration says so; undefined where everybody has their own. */
  readonly baseUrl: string | undefined
  /** How a key may be sent, the usual form first. */
  readonly auth: readonly AuthForm[]
  /** Headers (name, value, …) that carry the secret, in the usual form unless another is named. */
  authorization(secret: string, form?: AuthForm): string[]
  /** Spoken where the configuration names none. */
  readonly dialects: readonly SpokenDialect[]
  /** Dialects whose questions it counts, without an answer and free of charge. */
  readonly counts: readonly Dialect[]
  /** The path of a surface, such as `/v1/chat/completions`, below the base URL's own path. */
  path(base: string, surfacePath: string, model: string): string
  /** The caller's query (with its question mark, or empty) and what the provider wants besides. */
  query(query: string, provider: Provider): string
  readonly usage: UsageFacts
  readonly output: OutputFacts
  readonly limitShape: LimitShape
  /**
   * Statuses with which one server says that its queue is full: it works, and another may have room.
   * Of others 429 is a limit of the credential and 503 a provider without room.
   */
  readonly fullStatuses: readonly number[]
  /** What it tells by its text alone, besides the codes that are read of every provider. */
  readonly refusals: readonly KnownRefusal[]
  /** A question that costs nothing; undefined where the pool asks its servers for their health. */
  readonly probe: Probe | undefined
  /** Its name in the published prices; undefined where nobody publishes any. */
  readonly prices: string | undefined
}

/** How it reports tokens. `readUsage` finds them by their shape; this is what to expect. */
export interface UsageFacts {
  /**
   * `asked`: streams end with usage where `stream_options.include_usage` asks for it. `unasked`:
   * they always do, or the member is refused; it is not sent.
   */
  readonly ofStreams: 'asked' | 'unasked'
}

/** How a question bounds its answer where the dialect has two members for it; others have one. */
export interface OutputFacts {
  /** The member for a chat that names no bound itself. */
  readonly member: OutputMember
  /**
   * What the provider makes of the other member: `left` to it, which takes or refuses it, or
   * `ignored`, so that a bound has to stand in `member` too.
   */
  readonly other: 'left' | 'ignored'
}

export type OutputMember = 'max_completion_tokens' | 'max_tokens'

export interface Probe {
  readonly path: string
  /** Besides the credential: name, value, … */
  readonly headers: readonly string[]
}

/** By kind, as it is without further words. */
export const profiles: Readonly<Record<ProviderKind, Profile>> = {
  openai,
  'openai-compatible': openaiCompatible,
  anthropic,
  azure,
  vllm,
}

export const presetProfiles: Readonly<Record<PresetName, Profile>> = {
  groq,
  deepseek,
  xai,
  mistral,
  openrouter,
  ollama,
  nim,
}

/** What of a provider's configuration says which profile it has. */
export interface Profiled {
  readonly kind: ProviderKind
  readonly preset?: PresetName | undefined
  readonly api?: 'v1' | 'deployments' | undefined
}

/** The profile of a configured provider. */
export function profileOf(provider: Profiled): Profile {
  if (provider.kind === 'openai-compatible' && provider.preset !== undefined) {
    return presetProfiles[provider.preset]
  }
  if (provider.kind === 'azure' && provider.api === 'deployments') return azureDeployments
  return profiles[provider.kind]
}
