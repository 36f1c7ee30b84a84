import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import type { Wishes } from './annotations.ts'
import type { Mark } from './mark.ts'
import type { Namespace, PodView } from './read-pod.ts'
import type { InjectSettings } from './settings.ts'

/** Who says that a pod shall have a sidecar: its annotation, or whoever ran the command on it. */
export type Consent = 'annotation' | 'command'

/** Why a pod is left as it is. */
export type SkipReason = 'mirror-pod' | 'declined' | 'not-asked' | 'already-injected'

/** What the rules judge. */
export interface Facts {
  readonly pod: PodView
  readonly namespace: Namespace
  readonly settings: InjectSettings
  readonly consent: Consent
  readonly wishes: Wishes
  /** Of annotations and labels, in words. */
  readonly annotationProblems: readonly string[]
  /** The init container of our name, and the template annotation where it is of our writing. */
  readonly sidecar: JsonObject | undefined
  readonly mark: Mark | undefined
}

/** `found` is a fact in words, `remedy` what its reader can do about it. */
export type Judgement =
  | { readonly verdict: 'pass'; readonly found: string }
  | { readonly verdict: 'warn'; readonly found: string; readonly remedy: string }
  | { readonly verdict: 'refuse'; readonly found: string; readonly remedy: string }
  | { readonly verdict: 'skip'; readonly found: string; readonly reason: SkipReason }

export interface Rule {
  readonly name: string
  /** What the rule holds, as a sentence. */
  readonly holds: string
  readonly judge: (facts: Facts) => Judgement
}

export const pass = (found: string): Judgement => ({ verdict: 'pass', found })
export const warn = (found: string, remedy: string): Judgement => ({
  verdict: 'warn',
  found,
  remedy,
})
export const refuse = (found: string, remedy: string): Judgement => ({
  verdict: 'refuse',
  found,
  remedy,
})
