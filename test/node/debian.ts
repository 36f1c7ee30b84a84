import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { architectures } from '#deploy/image/architecture.ts'
import { Apt } from '#deploy/image/debian/apt.ts'
import { runTool } from '#deploy/image/tools.ts'
import type { Absent } from '../cluster/go-program.ts'

/** The container runtime and the network's plugins; the library is what runc is linked to. */
const names = ['containerd', 'runc', 'containernetworking-plugins', 'libseccomp2'] as const

/** A folder with the packages' files as a root file system has them. */
export type Unpacked = { readonly kind: 'unpacked'; readonly root: string } | Absent

/**
 * Debian's packages for this release of it, unpacked into `~/.cache/outrigger/node/` and nowhere
 * else: nothing is installed. What is there from a time before is taken as it is.
 */
export async function debianPackages(): Promise<Unpacked> {
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  const nodePackage = `node-linux-${process.arch}`
  const architecture = architectures.find((one) => one.nodePackage === nodePackage)
  if (suite === undefined || architecture === undefined) {
    return { kind: 'absent', reason: 'needs Debian on amd64 or arm64' }
  }
  const cache = join(homedir(), '.cache', 'outrigger', 'node')
  const root = join(cache, `${suite}-${architecture.name}`)
  if (existsSync(root)) return { kind: 'unpacked', root }
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'apt-'))
  try {
    const apt = await Apt.open({ folder, suite, architecture })
    const fetched = await apt.fetch(await apt.newest(names))
    const fresh = join(folder, 'root')
    for (const file of readdirSync(fetched)) {
      await runTool('dpkg-deb', ['--extract', join(fetched, file), fresh])
    }
    // Whole or not at all.
    await rename(fresh, root)
    return { kind: 'unpacked', root }
  } catch (error) {
    return { kind: 'absent', reason: error instanceof Error ? error.message : String(error) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
