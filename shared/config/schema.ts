import * as v from 'valibot'
import { capture } from './capture-schema.ts'
import { classes, classesDefault } from './classes.ts'
import { count, duration, labelName, modelName, named, secretRef } from './fields.ts'
import { ambassador, sidecar } from './half-schema.ts'
import { tenantIdentityKeys } from './identity-schema.ts'
import { tenantLimitKeys } from './limit-schema.ts'
import { ambassadors, providers } from './provider-schema.ts'
import { model } from './target-schema.ts'

export type { SecretRef } from './fields.ts'
export type { Dialect } from './provider-schema.ts'
export type { Entry, FallbackReason, Model, Target } from './target-schema.ts'

const tenant = v.object({
  // Which names of `models` its applications may ask for; all where the key is absent.
  models: v.optional(v.array(modelName)),
  // Which of `classes` it may use; all where the key is absent.
  classes: v.optional(v.pipe(v.array(labelName), v.minLength(1, 'must name at least one class'))),
  // Of calls that ask for none; absent, `interactive`, or the first where there is no such class.
  class: v.optional(labelName),
  // Below the ambassador's own `deadlineMax`; absent, that one holds.
  deadlineMax: v.optional(duration()),
  ...tenantIdentityKeys,
  ...tenantLimitKeys,
  // Its share of a provider's limits while others wait too, against their weights.
  weight: v.optional(count({ max: 1_000 }), 1),
  // Its words in traces: only where the platform says so, for this tenant alone.
  capture: v.optional(capture),
})

/** Ids of what tenants store at a provider whose account they share. */
const storedIds = v.object({
  // Keys of 32 bytes or more. The first seals, each of them proves: so one is replaced with overlap.
  // Without one, ids end with the ambassador's process, and no other replica of it knows them.
  secrets: v.optional(
    v.pipe(v.array(secretRef), v.maxLength(8, 'must name at most 8 secrets')),
    [],
  ),
})

/**
 * The table of keys: the one source of types, messages and the published JSON Schema. Parsed,
 * every key is present under the name it has in the file; a duration is a number of milliseconds,
 * a size a number of bytes, an address list always a list. Unknown keys are reported by
 * `parseConfig`, since valibot names only the first.
 */
export const configSchema = v.object({
  // By rank: calls of the first go first, wherever calls wait.
  classes: v.optional(classes, () => [...classesDefault]),
  models: v.optional(named(modelName, model), {}),
  sidecar: v.optional(sidecar, {}),
  ambassador: v.optional(ambassador, {}),
  providers: v.optional(providers, {}),
  ambassadors: v.optional(ambassadors, {}),
  tenants: v.optional(named(labelName, tenant), {}),
  storedIds: v.optional(storedIds, {}),
})

/** One parsed configuration. Durations are in ms, sizes in bytes. Never written to. */
export type Config = v.InferOutput<typeof configSchema>
export type SidecarConfig = Config['sidecar']
export type AmbassadorConfig = Config['ambassador']
export type Identity = AmbassadorConfig['identity']
export type KubernetesIdentity = Extract<Identity, { kind: 'kubernetes' }>
export type Provider = Config['providers'][string]
export type ProviderKind = Provider['kind']
export type VllmProvider = Extract<Provider, { kind: 'vllm' }>
export type Tenant = Config['tenants'][string]
