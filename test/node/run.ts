import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildImage } from '#deploy/image/image.ts'
import { startControlPlane } from '../cluster/control-plane/plane.ts'
import { controlPlanePrograms } from '../cluster/control-plane/programs.ts'
import { Suite } from '../cluster/suite.ts'
import { debianPackages } from './debian.ts'
import { assembledDigest } from './images.ts'
import { enterMachine, isInsideMachine, obstacle } from './machine.ts'
import { logOf, startNode } from './node.ts'
import { nodePrograms } from './programs.ts'
import { paths } from './settings.ts'

/** `run.ts [--image DIRECTORY] [FILE…]`: on one node, with the image assembled there or anew. */
const { values, positionals } = parseArgs({
  options: { image: { type: 'string' } },
  allowPositionals: true,
})
const limitMs = 15 * 60_000
const began = performance.now()
const suite = new Suite(import.meta.dirname, positionals)

process.exitCode = isInsideMachine() ? await runInside() : await runOutside()
process.exit()

/** Fetches and builds, since inside there is no network, then runs this file inside. */
async function runOutside(): Promise<number> {
  const reason = obstacle()
  if (reason !== undefined) return suite.skip(reason)
  for (const prepare of [debianPackages, controlPlanePrograms, nodePrograms]) {
    const prepared = await prepare()
    if (prepared.kind === 'absent') return suite.skip(prepared.reason)
  }
  if (values.image !== undefined) return enter(resolve(values.image))
  const image = await mkdtemp(join(tmpdir(), 'outrigger-image-'))
  try {
    suite.say('assembling the image, of this very tree')
    const cache = join(homedir(), '.cache', 'outrigger', 'image')
    await buildImage({ outdir: image, cache, epoch: undefined })
    return await enter(image)
  } finally {
    await rm(image, { recursive: true, force: true })
  }
}

function enter(image: string): Promise<number> {
  suite.say(`prepared in ${seconds()} s`)
  return enterMachine([import.meta.filename, '--image', image, ...positionals])
}

async function runInside(): Promise<number> {
  suite.bound(limitMs)
  const programs = await controlPlanePrograms()
  const own = await nodePrograms()
  const debian = await debianPackages()
  const image = values.image ?? ''
  const digest = assembledDigest(image)
  if (programs.kind === 'absent') return suite.skip(programs.reason)
  if (own.kind === 'absent') return suite.skip(own.reason)
  if (debian.kind === 'absent') return suite.skip(debian.reason)
  if (digest === undefined) throw new Error(`Cannot find an image in '${image}'`)
  const plane = await startControlPlane({ programs })
  suite.say(`control plane started in ${seconds()} s`)
  let code = 1
  try {
    const { root } = debian
    const layout = join(image, 'oci')
    const facts = await startNode(plane, { programs: own, root, layout, digest })
    await writeFile(paths.facts, JSON.stringify(facts))
    suite.say(`node ready after ${seconds()} s`)
    code = await suite.run(plane, { signingKind: 'RS256' })
  } finally {
    if (code !== 0) await suite.keepLogs(plane, [logOf('containerd'), logOf('kubelet')])
    await plane.close()
  }
  return code
}

function seconds(): string {
  return ((performance.now() - began) / 1_000).toFixed(1)
}
