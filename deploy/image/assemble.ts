import type { Metafile } from 'esbuild'
import { appFiles } from './app/app-files.ts'
import { dataPackages } from './app/bundle.ts'
import { bundledPackages, thirdPartyNotices } from './app/bundled-packages.ts'
import type { Architecture } from './architecture.ts'
import type { Origin } from './commit.ts'
import { type PackageLock, pinsOf } from './debian/lock.ts'
import { type DebianPackage, fetchPackages } from './debian/packages.ts'
import { rootFileSystem } from './debian/root-file-system.ts'
import { readPackageLock } from './lock-entry.ts'
import { librariesOf } from './node/elf.ts'
import { nodeBinary } from './node/node-binary.ts'
import { type WrittenImage, writeImage } from './oci/image-manifest.ts'
import type { Layout } from './oci/layout.ts'
import { places } from './processes.ts'
import { billOfMaterials } from './sbom.ts'
import { file, type TarEntry } from './tar/entry.ts'

/** What images of all architectures are made from. */
export interface AssembleParts {
  readonly root: string
  readonly layout: Layout
  /** Where the bundles are, and what esbuild says of them. */
  readonly bundles: string
  readonly outputs: Metafile['outputs']
  readonly license: string
  readonly origin: Origin
  readonly lock: PackageLock
  readonly cache: string
}

/** An image of one architecture with its bill of materials. */
export interface AssembledImage extends WrittenImage {
  readonly architecture: Architecture
  readonly bom: Buffer
}

/** Writes the image of one architecture. @throws Error where a part is missing or another one. */
export async function assemble(
  parts: AssembleParts,
  architecture: Architecture,
): Promise<AssembledImage> {
  const { root, layout, origin, lock, cache } = parts
  const lockOf = readPackageLock(root)
  const { nodePackage } = architecture
  const pin = lockOf(`node_modules/${nodePackage}`)
  const debian = await fetchPackages({
    suite: lock.suite,
    pins: pinsOf(lock, architecture),
    architecture,
    cache,
  })
  const node = await nodeBinary({ root, name: nodePackage, pin, cache })
  const bundled = bundledPackages({ ...parts, dataPackages, lock: lockOf })
  const base = rootFileSystem(debian, architecture)
  const program = file(places.node.slice(1), node.program, 0o755)
  assertLinked([...base, program])
  const image = await writeImage({
    ...origin,
    layout,
    architecture,
    // What changes least lies lowest, so that nodes fetch it once.
    layers: [
      { what: `Debian ${releaseOf(debian)}: what Node is linked to`, entries: base },
      { what: `Node ${node.version}`, entries: [program, file('node/LICENSE', node.license)] },
      {
        what: 'Outrigger',
        entries: appFiles({ ...parts, notices: thirdPartyNotices(bundled) }),
      },
    ],
  })
  const bom = billOfMaterials({
    architecture,
    version: origin.labels['org.opencontainers.image.version'] ?? '',
    created: origin.created,
    digest: image.manifest.digest,
    node: { name: nodePackage, ...pin },
    bundled,
    debian,
    debianRelease: releaseOf(debian),
  })
  return { ...image, architecture, bom }
}

/**
 * @throws Error where a program or a library of `entries` asks for one that is not there: the
 * image would be whole and not start.
 */
export function assertLinked(entries: readonly TarEntry[]): void {
  const names = new Set(entries.map(({ path }) => path.split('/').at(-1)))
  for (const entry of entries) {
    const isElf =
      entry.kind === 'file' && entry.content.subarray(0, 4).toString('latin1') === '\x7fELF'
    if (!isElf) continue
    const { names: wanted, loader } = librariesOf(entry.content)
    const all = loader === undefined ? wanted : [...wanted, loader.split('/').at(-1) ?? '']
    const missing = all.filter((name) => !names.has(name))
    if (missing.length > 0)
      throw new Error(`Cannot run '${entry.path}': the image lacks ${missing.join(', ')}`)
  }
}

/** Debian's release number out of its own file: `13`. */
function releaseOf(packages: readonly DebianPackage[]): string {
  const found = packages
    .flatMap(({ entries }) => entries)
    .find(({ path }) => path === 'etc/debian_version')
  const text = found?.kind === 'file' ? found.content.toString('utf8') : ''
  return /^\d+/.exec(text)?.[0] ?? 'unknown'
}
