import { injectOn } from './inject.ts'
import { type Finding, type InjectionRequest, judge } from './judge.ts'
import type { Namespace } from './read-pod.ts'
import type { InjectSettings } from './settings.ts'

/** Every rule's judgement, what happens, and why in one sentence. */
export interface Explanation {
  readonly findings: readonly Finding[]
  readonly outcome: 'patch' | 'skip' | 'refuse'
  readonly why: string
}

/** Rule by rule what `inject` does to a pod, by the same rules. */
export function explainPod(
  pod: unknown,
  namespace: Namespace,
  settings: InjectSettings,
): Explanation {
  const request: InjectionRequest = { pod, namespace, settings, consent: 'annotation' }
  const { findings } = judge(request)
  const injection = injectOn(request)
  switch (injection.kind) {
    case 'refuse':
      return { findings, outcome: 'refuse', why: injection.message }
    case 'skip':
      return { findings, outcome: 'skip', why: `Nothing is changed: ${injection.message}` }
    case 'patch': {
      const warned = injection.warnings.length
      const notes = warned === 0 ? '' : `, with ${warned} warning${warned === 1 ? '' : 's'}`
      const why = `The sidecar of template ${injection.template} is written in${notes}`
      return { findings, outcome: 'patch', why }
    }
  }
}
