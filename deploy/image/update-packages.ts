import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Architecture, architectures } from './architecture.ts'
import { Apt } from './debian/apt.ts'
import { lockFile, type PackageLock } from './debian/lock.ts'
import { packageNames } from './debian/root-file-system.ts'

/** Pins the newest Debian packages of one release for both architectures. */
const { values } = parseArgs({ options: { suite: { type: 'string', default: 'trixie' } } })

async function newest(architecture: Architecture): Promise<PackageLock['packages']['amd64']> {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-apt-'))
  try {
    const apt = await Apt.open({ folder, suite: values.suite, architecture })
    return await apt.newest(packageNames)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const packages: Record<string, PackageLock['packages']['amd64']> = {}
for (const architecture of architectures) packages[architecture.name] = await newest(architecture)
writeFileSync(lockFile, `${JSON.stringify({ suite: values.suite, packages }, null, 2)}\n`)
for (const [name, pins] of Object.entries(packages)) {
  const lines = pins.map((pin) => `${name} ${pin.name} ${pin.version}\n`)
  process.stdout.write(lines.join(''))
}
