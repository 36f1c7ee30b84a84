import type { Architecture } from '../architecture.ts'
import { places } from '../processes.ts'
import { file, type TarEntry } from '../tar/entry.ts'
import type { DebianPackage } from './packages.ts'

/** Which files of each package the image has, besides its copyright. `TRIPLE` is the folder of libraries. */
const picks: Readonly<Record<string, readonly RegExp[]>> = {
  'base-files': [
    /^usr\/lib\/os-release$/,
    /^etc\/(?:os-release|debian_version)$/,
    // What the copyright files refer to.
    /^usr\/share\/common-licenses\//,
    /^lib(?:64)?$/,
  ],
  'ca-certificates': [],
  // Its copyright stands for the three libraries below.
  'gcc-14-base': [],
  libatomic1: [/TRIPLE\/libatomic\.so\./],
  // Names are looked up by libc itself since 2.34: no libnss_*.
  libc6: [/^usr\/lib(?:64)?\/ld-linux-/, /TRIPLE\/(?:ld-linux-.*|lib(?:c|dl|m|pthread))\.so\./],
  'libgcc-s1': [/TRIPLE\/libgcc_s\.so\./],
  'libstdc++6': [/TRIPLE\/libstdc\+\+\.so\.[^/]*$/],
}

/** The packages that the image takes files from, in the order of the lock file. */
export const packageNames: readonly string[] = Object.keys(picks).toSorted()

/**
 * The lowest layer: the libraries that Node asks for with their loader, certificates, the user, and
 * what scanners read to know where files came from. No shell, no program but the loader.
 *
 * @throws Error where a package lacks what is taken from it.
 */
export function rootFileSystem(
  packages: readonly DebianPackage[],
  architecture: Architecture,
): TarEntry[] {
  return [
    ...packages.flatMap((one) => [...picked(one, architecture), ...record(one)]),
    file('etc/ssl/certs/ca-certificates.crt', certificates(packages)),
    ...ownEntries,
  ]
}

/** What comes from no package. */
export const ownEntries: readonly TarEntry[] = [
  file(
    'etc/passwd',
    `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${places.user}:${places.user}:nonroot:/:/sbin/nologin\n`,
  ),
  file('etc/group', `root:x:0:\nnonroot:x:${places.user}:\n`),
  file('etc/nsswitch.conf', 'hosts: files dns\n'),
  { kind: 'directory', path: 'tmp', mode: 0o1777 },
  // A read-only root cannot be given the places that runtimes mount on.
  ...['dev', 'proc', 'sys', 'etc/outrigger', 'var/run/secrets'].map(
    (path): TarEntry => ({ kind: 'directory', path, mode: 0o755 }),
  ),
]

function picked({ name, entries }: DebianPackage, { triple }: Architecture): TarEntry[] {
  const copyright = new RegExp(`^usr/share/doc/${RegExp.escape(name)}(?:/copyright)?$`)
  const patterns = [
    copyright,
    ...(picks[name] ?? []).map(({ source }) => new RegExp(source.replace('TRIPLE', triple))),
  ]
  const files = entries.filter(({ kind }) => kind !== 'directory')
  for (const pattern of patterns) {
    if (!files.some(({ path }) => pattern.test(path)))
      throw new Error(`Cannot take ${pattern} from ${name}: there is no such file`)
  }
  return files
    .filter(({ path }) => patterns.some((pattern) => pattern.test(path)))
    .map((entry) =>
      entry.kind === 'file' ? { ...entry, mode: isProgram(entry.mode) ? 0o755 : 0o644 } : entry,
    )
}

function isProgram(mode: number): boolean {
  return (mode & 0o100) !== 0
}

/** What scanners of images without dpkg look for. */
function record({ name, control }: DebianPackage): TarEntry[] {
  return [file(`var/lib/dpkg/status.d/${name}`, `${control.trimEnd()}\n`)]
}

/** All of Mozilla's certificates in one file, as `update-ca-certificates` would write it. */
function certificates(packages: readonly DebianPackage[]): string {
  const all = packages.flatMap(({ name, entries }) => (name === 'ca-certificates' ? entries : []))
  const texts = all
    .flatMap((entry) =>
      entry.kind === 'file' && /^usr\/share\/ca-certificates\/.*\.crt$/.test(entry.path)
        ? [entry]
        : [],
    )
    .toSorted((one, two) => (one.path < two.path ? -1 : 1))
    .map(({ content }) => `${content.toString('latin1').trimEnd()}\n`)
  if (texts.length < 50)
    throw new Error(`Cannot collect certificates: ca-certificates has ${texts.length}`)
  return texts.join('')
}
