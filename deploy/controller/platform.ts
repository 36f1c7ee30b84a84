import type { Problem } from '#shared/config/load.ts'
import { textHash } from '#shared/config/snapshot.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { configTextOf } from './distribute.ts'
import { type Projected, type Projection, type ProjectionSettings, project } from './project.ts'

/** The platform's configuration as it was read last. */
export type Platform =
  /** Good; `providers` are those that need an ambassador's certificate. */
  | {
      readonly kind: 'valid'
      readonly projection: Projection
      readonly providers: readonly string[]
    }
  /** Bad or gone; what was good before is given out further. */
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

/** Reads ConfigMap `outrigger`; undefined where there is none. Cost: nothing where its text is the last. */
export function readPlatform(
  object: KubernetesObject | undefined,
  settings: ProjectionSettings,
): Platform {
  const text = configTextOf(object)
  if (text === undefined) {
    const state = object === undefined ? 'does not exist' : 'has no key outrigger.yaml'
    return { kind: 'refused', problems: [{ path: '', message: `ConfigMap outrigger ${state}` }] }
  }
  const projected = projectOnce(text, settings)
  if (!projected.ok) return { kind: 'refused', problems: projected.problems }
  return { kind: 'valid', projection: projected.projection, providers: projected.providers }
}

interface Remembered {
  readonly text: string
  readonly transport: ProjectionSettings['transport']
  readonly projected: Projected
}

/** Of the last text alone: there is one platform, read every turn and seldom changed. */
let last: Remembered | undefined

function projectOnce(text: string, { transport }: ProjectionSettings): Projected {
  if (last?.text !== text || last.transport !== transport) {
    last = { text, transport, projected: projectAny(text, { transport }) }
  }
  return last.projected
}

/**
 * Whatever a reader of YAML throws on a text is a problem of that text, which may be anything: it must
 * end neither the turn nor the process.
 */
function projectAny(text: string, settings: ProjectionSettings): Projected {
  try {
    return project(text, settings)
  } catch {
    // Its message may quote a line with a secret in it.
    return { ok: false, problems: [{ path: '', message: 'outrigger.yaml cannot be read' }] }
  }
}

/** The projection that was given out last, as a ConfigMap of ours still holds it. */
export function lastGood(held: KubernetesObject | undefined): Projection | undefined {
  const text = configTextOf(held)
  return text === undefined ? undefined : { text, hash: textHash(text) }
}
