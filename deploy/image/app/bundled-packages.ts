import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import * as v from 'valibot'
import type { LockEntry } from '../lock-entry.ts'

const manifest = v.object({ name: v.string(), license: v.optional(v.string()) })

/** An npm package of which the image has code or data. */
export interface BundledPackage extends LockEntry {
  readonly name: string
  /** An SPDX expression as its author wrote it; undefined where there is none. */
  readonly license: string | undefined
  /** License and notice files. */
  readonly notices: readonly string[]
}

/** What finding them needs. */
export interface BundledParts {
  readonly root: string
  readonly outputs: Metafile['outputs']
  /** Names of packages that were not bundled, but whose data was taken. */
  readonly dataPackages: readonly string[]
  readonly lock: (path: string) => LockEntry
}

/** The packages that gave at least one byte to an output, by path, each version once. */
export function bundledPackages({
  root,
  outputs,
  dataPackages,
  lock,
}: BundledParts): BundledPackage[] {
  const folders = new Set(dataPackages.map((name) => `node_modules/${name}`))
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      // The last one: packages bring packages of their own.
      const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder)
    }
  }
  const found = [...folders].toSorted().map((folder) => {
    const at = join(root, folder)
    const text = readFileSync(join(at, 'package.json'), 'utf8')
    const { name, license } = v.parse(manifest, JSON.parse(text))
    return { name, license, ...lock(folder), notices: noticesIn(at) }
  })
  // Two packages may have brought the same one.
  return [...new Map(found.map((one) => [`${one.name}@${one.version}`, one])).values()]
}

function noticesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((one) => one.isFile() && /^(?:licen[cs]e|notice|copying)/i.test(one.name))
    .map(({ name }) => name)
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
}

/** One text with the terms of all packages, as most licenses ask of whoever passes them on. */
export function thirdPartyNotices(packages: readonly BundledPackage[]): string {
  const parts = packages.map(({ name, version, license, notices }) => {
    const terms =
      notices.length > 0 ? notices.join('\n\n') : 'It comes without a text of its terms.'
    return `${name} ${version} (${license ?? 'see below'})\n\n${terms}\n`
  })
  return parts.join(`\n${'-'.repeat(78)}\n\n`)
}
