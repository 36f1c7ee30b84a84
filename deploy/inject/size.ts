import { portDefault } from './annotations.ts'
import { objectsOf } from './json.ts'
import { sidecarName, volumeNames } from './names.ts'
import type { PodView } from './read-pod.ts'
import { variablesOf } from './template.ts'

/** How much there is in a pod without what is ours: an injected pod counts as it did before. */
interface PodSizes {
  /** Of all lists. */
  readonly containers: number
  readonly volumes: number
  /** Of all containers together. */
  readonly variables: number
}

/**
 * The largest pod that is injected, far above what people write: a replica of the webhook judges one
 * pod after another, and others' creations wait meanwhile.
 */
export const sizeLimits: readonly { what: keyof PodSizes; words: string; most: number }[] = [
  { what: 'containers', words: 'containers', most: 200 },
  { what: 'volumes', words: 'volumes', most: 500 },
  { what: 'variables', words: 'environment variables', most: 5_000 },
]

const variableNames: readonly string[] = variablesOf(portDefault, true).map(({ name }) => name)

export function sizesOf({ containers, volumeNames: volumes }: PodView): PodSizes {
  const others = containers.filter(({ name }) => name !== sidecarName)
  const variables = others.map(({ raw }) => {
    const names = objectsOf(raw['env']).map(({ name }) => name)
    return names.length - shared(names, variableNames)
  })
  return {
    containers: others.length,
    volumes: volumes.length - shared(volumes, volumeNames),
    variables: variables.reduce((sum, count) => sum + count, 0),
  }
}

/** How many of `ours` are there, each counted once: a list of nothing else is as long as it is. */
function shared(names: readonly unknown[], ours: readonly string[]): number {
  const there = new Set(names)
  return ours.filter((name) => there.has(name)).length
}
