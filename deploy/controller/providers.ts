import { parseConfig } from '#shared/config/load.ts'
import type { Platform } from './platform.ts'
import type { Projection } from './project.ts'

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
