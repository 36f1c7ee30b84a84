import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { places } from '../processes.ts'
import { file, type TarEntry } from '../tar/entry.ts'

/** What the uppermost layer is made from. */
export interface AppParts {
  /** Where the bundles are. */
  readonly bundles: string
  readonly license: string
  readonly notices: string
}

/**
 * The uppermost layer: code and tables, the terms of both, and a package.json, without which Node
 * would take the code for CommonJS.
 */
export function appFiles({ bundles, license, notices }: AppParts): TarEntry[] {
  const folder = places.app.slice(1)
  const names = globSync('**/*.{js,bin,json}', { cwd: bundles }).toSorted()
  return [
    ...names.map((name) => file(`${folder}/${name}`, readFileSync(join(bundles, name)))),
    file(`${folder}/package.json`, '{ "type": "module" }\n'),
    file(`${folder}/LICENSE`, license),
    file(`${folder}/THIRD-PARTY-NOTICES`, notices),
  ]
}
