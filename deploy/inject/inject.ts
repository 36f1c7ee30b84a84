import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { add } from './add.ts'
import { isEqual, objectAt, objectsOf } from './json.ts'
import { type Finding, type InjectionRequest, judge } from './judge.ts'
import { inOrderOf } from './order.ts'
import { type PatchOperation, patchBetween } from './patch.ts'
import type { Namespace } from './read-pod.ts'
import type { Facts, SkipReason } from './rule.ts'
import type { InjectSettings } from './settings.ts'
import { settleContainer, settleVolume } from './settle.ts'
import { strip } from './strip.ts'
import { type Template, templateOf } from './template.ts'

/** What becomes of a pod. Warnings are for its author, each of at most 250 characters. */
export type Injection =
  | {
      readonly kind: 'patch'
      readonly patch: readonly PatchOperation[]
      /** The pod with its patch applied. */
      readonly pod: JsonObject
      readonly template: string
      readonly warnings: readonly string[]
    }
  | {
      readonly kind: 'skip'
      readonly reason: SkipReason
      readonly message: string
      readonly warnings: readonly string[]
    }
  /** `reason` is the name of the first rule that refuses. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly message: string }

/**
 * The patch that gives `pod` its sidecar, or why there is none. A pod that has it is brought back
 * to the template of `settings` where something else has changed it, and skipped where nothing has.
 * Never throws on JSON of up to 1,000 levels.
 */
export function inject(pod: unknown, namespace: Namespace, settings: InjectSettings): Injection {
  return injectOn({ pod, namespace, settings, consent: 'annotation' })
}

/** As `inject`, also for pods that somebody else asks for. */
export function injectOn(request: InjectionRequest): Injection {
  const { facts, findings } = judge(request)
  const stop = stopOf(findings)
  if (stop !== undefined) return stop
  // Without facts the first finding refuses.
  if (facts === undefined) return refusal(findings)
  const { template, pod } = injected(facts)
  const warnings = warningsOf(findings)
  if (isEqual(pod, facts.pod.raw)) {
    const message = `the sidecar is there, of template ${template}`
    return { kind: 'skip', reason: 'already-injected', message, warnings }
  }
  return { kind: 'patch', patch: patchBetween(facts.pod.raw, pod), pod, template, warnings }
}

/** The pod as the facts want it, whatever it is now: what the patch is made from. */
function injected(facts: Facts): { pod: JsonObject; template: string } {
  const { pod, wishes, settings, sidecar, mark } = facts
  const template = templateOf(wishes, settings)
  if (sidecar === undefined || mark === undefined) {
    return { pod: add(pod.raw, template, wishes.port), template: template.hash }
  }
  const found = objectsOf(objectAt(pod.raw, 'spec')?.['volumes'])
  const settled: Template = {
    ...template,
    container: settleContainer(sidecar, template.container, mark.hash === template.hash),
    volumes: template.volumes.map((volume) =>
      settleVolume(
        found.find(({ name }) => name === volume['name']),
        volume,
      ),
    ),
  }
  const again = add(strip(pod.raw, mark), settled, wishes.port)
  return { pod: inOrderOf(pod.raw, again), template: template.hash }
}

/** A skip goes before refusals: what is left as it is need not be right. */
function stopOf(findings: readonly Finding[]): Injection | undefined {
  for (const finding of findings) {
    if (finding.verdict !== 'skip') continue
    return { kind: 'skip', reason: finding.reason, message: finding.found, warnings: [] }
  }
  return findings.some(({ verdict }) => verdict === 'refuse') ? refusal(findings) : undefined
}

/** All that refuses, at once; at most 2,000 characters. */
function refusal(findings: readonly Finding[]): Injection {
  const refusing = findings.filter((finding) => finding.verdict === 'refuse')
  const texts = refusing.map(({ found, remedy }) => `${found}; ${remedy}`)
  const listed =
    texts.length === 1 ? texts[0] : texts.map((text, at) => `(${at + 1}) ${text}`).join(' ')
  const message = `Cannot inject the Outrigger sidecar: ${listed}`.slice(0, 2_000)
  return { kind: 'refuse', reason: refusing[0]?.name ?? 'shape', message }
}

function warningsOf(findings: readonly Finding[]): string[] {
  return findings
    .filter((finding) => finding.verdict === 'warn')
    .map(({ found, remedy }) => `Outrigger: ${found}; ${remedy}`.slice(0, 250))
}
