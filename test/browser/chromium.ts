import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { architectures } from '#deploy/image/architecture.ts'
import { Apt } from '#deploy/image/debian/apt.ts'
import { runTool } from '#deploy/image/tools.ts'
import type { Absent } from '../cluster/go-program.ts'

/** The browser without windows, and letters to draw. */
const names = ['chromium-headless-shell', 'fonts-dejavu-core'] as const

/**
 * Stays packed: libc6 has to fit the loader, so the machine's own is used; the others are drivers of
 * graphics cards, a third of all bytes.
 */
const left = /^(?:libc6|libllvm\d+|libgl1-mesa-dri|mesa-libgallium)_/

/** Where the browser is, unpacked, with all that it needs. */
export interface Unpacked {
  readonly kind: 'unpacked'
  readonly program: string
  readonly fonts: string
  /** For `LD_LIBRARY_PATH`. */
  readonly libraries: string
}

/**
 * Debian's chromium for this release of it, unpacked into `~/.cache/outrigger/chromium/` and nowhere
 * else: 170 MB to fetch, 400 MB unpacked, and nothing is installed. apt checks signatures and hashes;
 * no version is pinned, since Debian keeps only the newest. What is there from a time before is
 * taken as it is.
 */
export async function chromium(): Promise<Unpacked | Absent> {
  const suite = codename()
  const nodePackage = `node-linux-${process.arch}`
  const architecture = architectures.find((one) => one.nodePackage === nodePackage)
  if (suite === undefined || architecture === undefined) {
    return absent('it needs Debian on amd64 or arm64')
  }
  const cache = join(homedir(), '.cache', 'outrigger', 'chromium')
  const root = join(cache, `${suite}-${architecture.name}`)
  const unpacked: Unpacked = {
    kind: 'unpacked',
    program: join(root, 'usr', 'lib', 'chromium', 'chromium-headless-shell'),
    fonts: join(root, 'usr', 'share', 'fonts'),
    libraries: ['usr/lib', 'lib', 'usr/lib']
      .map((folder, at) => join(root, folder, architecture.triple, at === 2 ? 'pulseaudio' : ''))
      .join(':'),
  }
  if (existsSync(root)) return unpacked
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'apt-'))
  try {
    process.stderr.write("test/browser: fetching Debian's chromium once, 170 MB\n")
    const apt = await Apt.open({ folder, suite, architecture })
    const fetched = await apt.fetchWhole(names)
    const fresh = join(folder, 'root')
    for (const file of readdirSync(fetched)) {
      if (!file.endsWith('.deb') || left.test(file)) continue
      await runTool('dpkg-deb', ['--extract', join(fetched, file), fresh])
    }
    // Whole or not at all.
    await rename(fresh, root)
    return unpacked
  } catch (error) {
    return absent(error instanceof Error ? error.message : String(error))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function codename(): string | undefined {
  if (!existsSync('/etc/os-release')) return undefined
  return /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
}

function absent(state: string): Absent {
  const reason = `Cannot fetch chromium: ${state}`
  process.stderr.write(`SKIPPED test/browser: ${reason}\n`)
  return { kind: 'absent', reason }
}
