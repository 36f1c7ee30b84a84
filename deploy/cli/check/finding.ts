import type { Cluster } from '../cluster/cluster.ts'

/** What a check found. `found` is a fact in words, `remedy` what its reader can do about it. */
export type Verdict =
  | { readonly verdict: 'ok'; readonly found: string }
  | { readonly verdict: 'warn' | 'fail'; readonly found: string; readonly remedy: string }

/** What checks look at: one moment of a cluster, each question asked once. */
export interface Scene {
  readonly cluster: Pick<Cluster, 'api' | 'systemNamespace'>
  /** Where a pod is created for a try: never really. */
  readonly tryNamespace: string
  readonly wallMs: number
}

export type Category =
  | 'cluster'
  | 'permissions'
  | 'namespace'
  | 'webhook'
  | 'backstop'
  | 'controller'
  | 'certificates'
  | 'configuration'
  | 'ambassadors'
  | 'identity'
  | 'sidecars'
  | 'network'

export interface Check {
  readonly category: Category
  /** What holds where all is well. */
  readonly name: string
  /** `before` an installation, `after` it, or both. */
  readonly when: 'before' | 'after' | 'always'
  /** Where it fails nothing else can be told. */
  readonly isDecisive?: boolean
  /** Rejects with `KubernetesError` where it cannot look. */
  readonly run: (scene: Scene) => Promise<Verdict>
}

export const ok = (found: string): Verdict => ({ verdict: 'ok', found })
export const warn = (found: string, remedy: string): Verdict => ({
  verdict: 'warn',
  found,
  remedy,
})
export const fail = (found: string, remedy: string): Verdict => ({
  verdict: 'fail',
  found,
  remedy,
})

/** The first few names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const shownMax = 5
  const more = names.length - shownMax
  return `${names.slice(0, shownMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
