import { inject } from '#deploy/inject/inject.ts'
import type { InjectSettings } from '#deploy/inject/settings.ts'
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
      return {
        verdict: { kind: 'allow', patch, warnings },
        result: 'injected',
        reason: 'injected',
        told: `sidecar of template ${template} written in`,
      }
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
