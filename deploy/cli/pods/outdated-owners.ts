import { outdated } from '#deploy/inject/outdated.ts'
import type { InjectSettings } from '#deploy/inject/settings.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { isLive, type Owner, ownerOf, restartOf } from './owner.ts'

/** An owner's pods whose sidecars differ alike from what would be written in today. */
export interface OutdatedOwner extends Owner {
  readonly pods: readonly string[]
  /** In words; never empty. */
  readonly differences: readonly string[]
  /** What makes them anew. */
  readonly run: string
}

/** Live pods of `pods` with another template than that of `settings`, by owner. */
export function outdatedOwners(
  pods: readonly KubernetesObject[],
  settings: InjectSettings,
): OutdatedOwner[] {
  const groups = new Map<string, OutdatedOwner>()
  for (const pod of pods.filter(isLive)) {
    const differences = differencesOf(pod, settings)
    if (differences.length === 0) continue
    const owner = ownerOf(pod)
    const key = JSON.stringify([owner, differences])
    const before = groups.get(key)?.pods ?? []
    const name = pod.metadata.name ?? ''
    groups.set(key, { ...owner, pods: [...before, name], differences, run: restartOf(owner) })
  }
  return [...groups.values()].toSorted((one, other) =>
    nameOf(one) < nameOf(other) ? -1 : Number(nameOf(one) > nameOf(other)),
  )
}

const nameOf = ({ namespace, kind, name }: Owner) => `${namespace}/${kind}/${name}`

function differencesOf(pod: KubernetesObject, settings: InjectSettings): readonly string[] {
  const standing = outdated(pod, settings)
  switch (standing.kind) {
    case 'current':
      return []
    case 'outdated':
      return standing.differences.length > 0
        ? standing.differences
        : [`template ${standing.template}, today ${standing.today}`]
    case 'not-injected':
      return ['it is labelled as injected and has no sidecar']
    case 'unreadable':
      return [standing.message]
  }
}
