import * as v from 'valibot'
import { kindsOf, labelName, oneOf, secretRef, text } from './fields.ts'

/** RFC 1123 subdomain, as service accounts are named. */
const serviceAccountName = text(
  /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
  'must be the name of a service account: at most 253 of a-z, 0-9, - and .',
)

/** Compared letter by letter, so nothing of it is normalized. */
const issuer = text(
  /^https?:\/\/[^\s]{1,1000}$/,
  'must be the issuer as it stands in the tokens, such as https://kubernetes.default.svc.cluster.local',
)

/** A word of its own: tokens for the API server name other audiences. */
const audience = text(
  /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,252}$/,
  'must be an audience: a letter or digit, then letters, digits and . _ : / -',
)

/** How a caller of an ambassador proves who it is. */
export const identity = v.variant(
  'kind',
  [
    v.object({
      kind: v.literal('open'),
      // Everybody who can connect is this tenant.
      tenant: v.optional(labelName, 'default'),
    }),
    v.object({
      kind: v.literal('shared-secret'),
      // Several entries of one tenant let a secret be rotated without a gap.
      secrets: v.pipe(
        v.array(v.object({ tenant: labelName, secret: secretRef })),
        v.minLength(1, 'must name at least one secret'),
      ),
    }),
    v.object({
      kind: v.literal('kubernetes'),
      // The only one that a token may be for: one that the API server takes too could be replayed there.
      audience: v.optional(audience, 'outrigger'),
      // Whose tokens count; where it is empty, the one that the API server names.
      issuers: v.optional(v.array(issuer), []),
      // What becomes of a workload that no tenant claims.
      unknown: v.optional(
        v.union([v.literal('refuse'), v.object({ tenant: labelName })]),
        'refuse',
      ),
      // A token without a pod (of a Secret, of `kubectl create token`) proves no pod that runs.
      podBound: v.optional(v.boolean('must be true or false'), true),
      // Whose header of the caller's certificate has to name the same workload.
      mesh: v.optional(oneOf(['linkerd', 'istio'])),
    }),
  ],
  kindsOf(['open', 'shared-secret', 'kubernetes']),
)

const workload = v.object({
  namespace: labelName,
  // All of the namespace's where the key is absent; the entry that names one goes before.
  serviceAccount: v.optional(serviceAccountName),
  // Tenants that it may name in x-outrigger-tenant, since it serves them all itself.
  chooses: v.optional(v.pipe(v.array(labelName), v.minLength(1, 'must name at least one tenant'))),
})

/** Keys of a tenant that say whose calls are its own. */
export const tenantIdentityKeys = {
  // By Kubernetes service account, where `ambassador.identity.kind` is `kubernetes`.
  workloads: v.optional(v.array(workload), []),
}

/** What a tenant claims. */
export type WorkloadEntry = v.InferOutput<typeof workload>
