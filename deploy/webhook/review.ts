import * as v from 'valibot'
import type { PatchOperation } from '#deploy/inject/patch.ts'
import { type JsonObject, parsedJson } from '#shared/kubernetes/kubernetes-object.ts'

const review = v.object({
  apiVersion: v.literal('admission.k8s.io/v1'),
  kind: v.literal('AdmissionReview'),
  request: v.object({
    uid: v.string(),
    namespace: v.optional(v.string(), ''),
    operation: v.string(),
    object: v.unknown(),
    dryRun: v.optional(v.nullable(v.boolean()), false),
  }),
})

/** What the API server asks (admission.k8s.io/v1). */
export interface Question {
  readonly uid: string
  /** Of the request: the object itself may not have it yet. */
  readonly namespace: string
  readonly operation: string
  readonly object: unknown
  /** Nothing may be done besides answering. */
  readonly isDryRun: boolean
}

/** Reads the body of a question; undefined where it is none. */
export function readQuestion(body: string): Question | undefined {
  const parsed = v.safeParse(review, parsedJson(body))
  if (!parsed.success) return undefined
  const { uid, namespace, operation, object, dryRun } = parsed.output.request
  return { uid, namespace, operation, object, isDryRun: dryRun === true }
}

/** What is answered; `warnings` are shown to whoever applies the object. */
export type Verdict =
  | {
      readonly kind: 'allow'
      readonly patch?: readonly PatchOperation[]
      readonly warnings?: readonly string[]
    }
  | { readonly kind: 'deny'; readonly message: string }

/** Writes the answer to the question `uid`. */
export function writeAnswer(uid: string, verdict: Verdict): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, ...responseOf(verdict) },
  })
}

function responseOf(verdict: Verdict): JsonObject {
  if (verdict.kind === 'deny') {
    // Invalid: a controller that makes pods sees that trying again is pointless as it stands.
    return { allowed: false, status: { code: 422, reason: 'Invalid', message: verdict.message } }
  }
  const { patch = [], warnings = [] } = verdict
  return {
    allowed: true,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(patch.length === 0
      ? {}
      : {
          patchType: 'JSONPatch',
          patch: Buffer.from(JSON.stringify(patch), 'utf8').toString('base64'),
        }),
  }
}
