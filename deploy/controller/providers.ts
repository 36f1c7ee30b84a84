import { parseConfig } from '#shared/config/load.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { type Platform, readPlatform } from './platform.ts'
import type { Projection, ProjectionSettings } from './project.ts'

/**
 * Whose ambassadors need a certificate, whatever the platform's configuration says at the moment: a
 * bad file must not let the certificates of those end that serve by the good one before it.
 */
export class Providers {
  #known: readonly string[] | undefined

  /** Those of `platform`; where it is refused the last ones, from `lastGood` after a restart. */
  of(platform: Platform, lastGood: Projection | undefined): readonly string[] {
    if (platform.kind === 'valid') this.#known = platform.providers
    return this.#known ?? providersIn(lastGood)
  }
}

function providersIn(projection: Projection | undefined): readonly string[] {
  if (projection === undefined) return []
  const loaded = parseConfig(projection.text, 'outrigger.yaml')
  return loaded.ok ? Object.keys(loaded.config.ambassadors).toSorted() : []
}

/**
 * Reads ConfigMap `outrigger`. Whatever a reader of YAML throws on a text is a problem of that text,
 * which may be anything: it must end neither the turn nor the process.
 */
export function platformOf(
  object: KubernetesObject | undefined,
  settings: ProjectionSettings,
): Platform {
  try {
    return readPlatform(object, settings)
  } catch {
    // Its message may quote a line with a secret in it.
    return { kind: 'refused', problems: [{ path: '', message: 'outrigger.yaml cannot be read' }] }
  }
}
