import { inject } from '#deploy/inject/inject.ts'
import type { InjectSettings } from '#deploy/inject/settings.ts'
import { sidecarIn } from '#deploy/inject/strip.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import type { Question, Verdict } from './review.ts'

/** The verdict, and what is counted and told of it. */
export interface Admission {
  readonly verdict: Verdict
  readonly result: 'injected' | 'skipped' | 'refused'
  /** In a word or two: a label of the metric. */
  readonly reason: string
  /** For the Event on the pod's owner; undefined where there is nothing to tell. */
  readonly told: string | undefined
}

/** Gives a pod its sidecar, or says why not. Never throws. */
export function admitPod({ object, namespace }: Question, settings: InjectSettings): Admission {
  const injection = inject(object, { name: namespace }, settings)
  switch (injection.kind) {
    case 'patch': {
      const { patch, warnings, template } = injection
      const verdict = { kind: 'allow', patch, warnings } as const
      // The API server asks twice about next to every pod: its ServiceAccount plugin mounts the API
      // token into the sidecar that it meets. That is no further injection, and is told to nobody.
      if (isJsonObject(object) && sidecarIn(object) !== undefined) {
        return { verdict, result: 'injected', reason: 'restored', told: undefined }
      }
      const told = `sidecar of template ${template} written in`
      return { verdict, result: 'injected', reason: 'injected', told }
    }
    case 'skip': {
      const { reason, message, warnings } = injection
      const isUsual = reason === 'already-injected'
      return {
        verdict: { kind: 'allow', warnings },
        result: 'skipped',
        reason,
        told: isUsual ? undefined : message,
      }
    }
    case 'refuse': {
      const { reason, message } = injection
      return { verdict: { kind: 'deny', message }, result: 'refused', reason, told: message }
    }
  }
}
