import * as v from 'valibot'
import type { Pod } from './identity.ts'
import { Refusal } from './refusal.ts'

/** What runs, as the cluster has signed it. */
export interface Workload {
  readonly namespace: string
  readonly serviceAccount: string
  /** `namespace/serviceAccount`. */
  readonly name: string
  readonly pod: Pod | undefined
}

/** What a token has to say; of `ambassador.identity`. */
export interface ClaimRules {
  readonly audience: string
  readonly podBound: boolean
}

const named = v.object({ name: v.string(), uid: v.string() })

/** As kube-apiserver signs them: kubernetes pkg/serviceaccount/claims.go. */
const claims = v.object({
  sub: v.string(),
  aud: v.union([v.string(), v.array(v.string())]),
  exp: v.number(),
  'kubernetes.io': v.object({
    namespace: v.string(),
    serviceaccount: named,
    pod: v.optional(named),
  }),
})

/**
 * The workload of a token whose signature, issuer and times hold, and the second it expires in.
 * `sub` and the nested claims have to name the same, since each is read by somebody. Throws {@link Refusal}.
 */
export function workloadOf(
  payload: unknown,
  { audience, podBound }: ClaimRules,
): { readonly workload: Workload; readonly expiresSeconds: number } {
  const parsed = v.safeParse(claims, payload)
  if (!parsed.success) {
    // The first says which claim; its value stays out.
    const claim = parsed.issues[0].path?.map(({ key }) => String(key)).join('.') ?? ''
    throw new Refusal('claims', { claim })
  }
  const { sub, aud, exp, 'kubernetes.io': inner } = parsed.output
  const audiences = typeof aud === 'string' ? [aud] : aud
  const facts = { subject: sub, audiences, expected: audience }
  if (!audiences.includes(audience)) throw new Refusal('audience', facts)
  // Good for others too, who could use it here, as we could use it there.
  if (audiences.length > 1) throw new Refusal('several audiences', facts)
  const { namespace, serviceaccount, pod } = inner
  const [system, kind, subjectNamespace, subjectAccount, ...more] = sub.split(':')
  const isAccount = system === 'system' && kind === 'serviceaccount' && more.length === 0
  const isSame = subjectNamespace === namespace && subjectAccount === serviceaccount.name
  if (!isAccount || !isSame || namespace === '' || serviceaccount.name === '') {
    throw new Refusal('subject', { subject: sub, namespace, serviceAccount: serviceaccount.name })
  }
  if (pod === undefined && podBound) throw new Refusal('not bound to a pod', { subject: sub })
  const name = `${namespace}/${serviceaccount.name}`
  return {
    workload: { namespace, serviceAccount: serviceaccount.name, name, pod },
    expiresSeconds: exp,
  }
}
