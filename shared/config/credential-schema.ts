import * as v from 'valibot'
import {
  count,
  labelName,
  modelName,
  named,
  type SecretRef,
  secretRef,
  text,
  url,
} from './fields.ts'
import { account, limits } from './quota-schema.ts'

/** How a secret goes to a provider: the header, and what stands before the secret. */
export const authForms = ['bearer', 'x-api-key', 'api-key'] as const
export type AuthForm = (typeof authForms)[number]

/** A word that may stand in a header or be a part of a path. */
const identifier = text(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  'must be at most 128 letters, digits and . _ -',
)

const keys = {
  // Labels metrics and logs, in which no secret stands.
  name: labelName,
  secret: secretRef,
  // Share of the calls, against the other weights.
  weight: v.optional(count({ max: 1_000 }), 1),
  // Its own limits, over those of the provider.
  limits: v.optional(limits, {}),
  // Keys of one account meet its limits together.
  account: v.optional(account),
  // Whose it is: used for all calls of this tenant, and for nobody else's.
  tenant: v.optional(labelName),
  // What it may be used for, in the provider's words; everything where the key is absent.
  models: v.optional(v.pipe(v.array(modelName), v.minLength(1, 'must name at least one model'))),
}

/** Where it is valid: a region, or a resource of its own. Absent, the provider's `baseUrl`. */
const place = { baseUrl: v.optional(url) }

export const plainCredential = v.object(keys)

export const openaiCredential = v.object({
  ...keys,
  ...place,
  // Whom calls are billed to, where the key belongs to several.
  organization: v.optional(identifier),
  project: v.optional(identifier),
})

export const compatibleCredential = v.object({
  ...keys,
  ...place,
  // Some gateways want the key under another name.
  as: v.optional(v.picklist(authForms, `must be one of ${authForms.join(', ')}`)),
})

const anthropicForms = ['x-api-key', 'bearer'] as const

export const anthropicCredential = v.object({
  ...keys,
  ...place,
  // `bearer` for OAuth tokens, which are refused as x-api-key.
  as: v.optional(v.picklist(anthropicForms, `must be one of ${anthropicForms.join(', ')}`)),
})

/** Of a resource; what the paths below it are called follows from `api`. */
export const azureUrl = v.pipe(
  url,
  v.transform((input) => input.replace(/\/openai(?:\/v1)?$/, '')),
)

const entra = v.object({
  // Both where `secret` is an application's; `clientId` alone names an assigned identity.
  tenantId: v.optional(identifier),
  clientId: v.optional(identifier),
  // As Microsoft's examples for Azure OpenAI have it; sovereign clouds have others.
  scope: v.optional(
    text(/^https:\/\/[^\s?#]{1,200}\/\.default$/, 'must be a scope, such as https://host/.default'),
    'https://cognitiveservices.azure.com/.default',
  ),
})

export type Entra = v.InferOutput<typeof entra>

export const azureCredential = v.pipe(
  v.object({
    ...keys,
    // The key, or with `entra` the secret of an application; without one the workload's identity.
    secret: v.optional(secretRef),
    entra: v.optional(entra),
    baseUrl: v.optional(azureUrl),
    // Deployments of this resource, by model, where they are called otherwise.
    deployments: v.optional(named(modelName, identifier)),
  }),
  v.check(
    ({ secret, entra: identity }) => secret !== undefined || identity !== undefined,
    'must have a secret or entra',
  ),
  v.check(
    ({ secret, entra: identity }) =>
      secret === undefined ||
      identity === undefined ||
      (identity.tenantId !== undefined && identity.clientId !== undefined),
    'must have entra.tenantId and entra.clientId beside the secret of an application',
  ),
)

/** One of a provider's credentials, whatever its kind. */
export interface Credential {
  readonly name: string
  readonly secret?: SecretRef | undefined
  readonly weight: number
  readonly limits: Readonly<Record<string, number>>
  readonly account?: string | undefined
  readonly tenant?: string | undefined
  readonly models?: readonly string[] | undefined
  readonly baseUrl?: string | undefined
  readonly organization?: string | undefined
  readonly project?: string | undefined
  readonly as?: AuthForm | undefined
  readonly deployments?: Readonly<Record<string, string>> | undefined
  readonly entra?: Entra | undefined
}

const requiredMessage = 'must name at least one credential'

export const openaiCredentials = v.pipe(v.array(openaiCredential), v.minLength(1, requiredMessage))
export const anthropicCredentials = v.pipe(
  v.array(anthropicCredential),
  v.minLength(1, requiredMessage),
)
export const azureCredentials = v.pipe(v.array(azureCredential), v.minLength(1, requiredMessage))
