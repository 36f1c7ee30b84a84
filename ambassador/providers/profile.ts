import type { ProviderKind } from '#shared/config/schema.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { anthropic } from './anthropic.ts'
import { openai, openaiCompatible } from './openai.ts'
import { vllm } from './vllm.ts'

/** What is particular to one kind of provider. */
export interface Profile {
  /** `gen_ai.provider.name` of the OpenTelemetry GenAI conventions. */
  readonly telemetryName: string
  /** Headers (name, value, …) that carry the credential. */
  authorization(secret: string, dialect: Dialect): string[]
  /** Dialects whose questions it counts, without an answer and free of charge. */
  readonly counts: readonly Dialect[]
  /** The path of a dialect below the base URL's own path. */
  path(base: string, dialectPath: string): string
}

export const profiles: Readonly<Record<ProviderKind, Profile>> = {
  openai,
  'openai-compatible': openaiCompatible,
  anthropic,
  vllm,
}
