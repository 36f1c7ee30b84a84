import { labelProblems, readWishes } from './annotations.ts'
import { readMark } from './mark.ts'
import { sidecarName, templateAnnotation } from './names.ts'
import { type Namespace, type PodView, readPod } from './read-pod.ts'
import type { Consent, Facts, Judgement, Rule } from './rule.ts'
import { rulesOfAdvice } from './rules-of-advice.ts'
import { rulesOfConsent } from './rules-of-consent.ts'
import { rulesOfPlace } from './rules-of-place.ts'
import type { InjectSettings } from './settings.ts'

/** A pod as JSON, where it is made, and who wants it injected. */
export interface InjectionRequest {
  readonly pod: unknown
  readonly namespace: Namespace
  readonly settings: InjectSettings
  readonly consent: Consent
}

/** One rule's judgement. */
export type Finding = Judgement & Pick<Rule, 'name' | 'holds'>

/** In the order in which they are told. */
const rules: readonly Rule[] = [...rulesOfConsent, ...rulesOfPlace, ...rulesOfAdvice]

/** Every name that a refusal can have: bounded, so that metrics may count by it. */
export const ruleNames: readonly string[] = ['shape', ...rules.map(({ name }) => name)]

/**
 * What each rule finds. A malformed pod is judged by the first rule alone, which names the
 * member; `facts` are absent then.
 */
export function judge(request: InjectionRequest): { facts?: Facts; findings: readonly Finding[] } {
  const reading = readPod(request.pod)
  const shape = { name: 'shape', holds: 'what is looked at has the shapes of Kubernetes' }
  if (!reading.ok) {
    const remedy = 'correct the manifest'
    return { findings: [{ ...shape, verdict: 'refuse', found: reading.problem, remedy }] }
  }
  const facts = factsOf(reading.pod, request)
  const findings = rules.map(
    (rule): Finding => ({ name: rule.name, holds: rule.holds, ...rule.judge(facts) }),
  )
  return { facts, findings: [{ ...shape, verdict: 'pass', found: 'it has' }, ...findings] }
}

function factsOf(pod: PodView, { namespace, settings, consent }: InjectionRequest): Facts {
  const { wishes, problems } = readWishes(pod.annotations)
  const sidecar = pod.containers.find(
    ({ name, list }) => name === sidecarName && list === 'initContainers',
  )
  return {
    pod,
    namespace,
    settings,
    consent,
    wishes,
    annotationProblems: [...problems, ...labelProblems(pod.labels)],
    sidecar: sidecar?.raw,
    mark: readMark(pod.annotations[templateAnnotation]),
  }
}
