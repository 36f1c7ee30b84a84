import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildImage } from '#deploy/image/image.ts'
import { factsVariable, type SuiteFacts } from '../cluster/cluster.ts'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane/plane.ts'
import { controlPlanePrograms } from '../cluster/control-plane/programs.ts'
import { serveSwitches } from '../cluster/switchboard.ts'
import { debianPackages } from './debian.ts'
import { assembledDigest } from './images.ts'
import { endWithOutside, enterMachine, isInsideMachine, obstacle } from './machine.ts'
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

process.exitCode = isInsideMachine() ? await runInside() : await runOutside()
process.exit()

/** Fetches and builds, since inside there is no network, then runs this file inside. */
async function runOutside(): Promise<number> {
  const reason = obstacle()
  if (reason !== undefined) return skip(reason)
  for (const prepare of [debianPackages, controlPlanePrograms, nodePrograms]) {
    const prepared = await prepare()
    if (prepared.kind === 'absent') return skip(prepared.reason)
  }
  if (values.image !== undefined) return enter(resolve(values.image))
  const image = await mkdtemp(join(tmpdir(), 'outrigger-image-'))
  try {
    say('assembling the image, of this very tree')
    const cache = join(homedir(), '.cache', 'outrigger', 'image')
    await buildImage({ outdir: image, cache, without: [], epoch: undefined })
    return await enter(image)
  } finally {
    await rm(image, { recursive: true, force: true })
  }
}

function enter(image: string): Promise<number> {
  say(`prepared in ${seconds()} s`)
  return enterMachine([import.meta.filename, '--image', image, ...positionals])
}

/** Loud, and no failure: the machine lacks something that the product does not need. */
function skip(reason: string): number {
  say(`SKIPPED, not one test was run: ${reason}`)
  return 0
}

async function runInside(): Promise<number> {
  // This process is the first of its namespace: with it, all others end.
  endWithOutside()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(1))
  }
  setTimeout(() => {
    say(`Cannot finish: it runs for ${limitMs} ms`)
    process.exit(1)
  }, limitMs).unref()
  const programs = await controlPlanePrograms()
  const own = await nodePrograms()
  const debian = await debianPackages()
  const image = values.image ?? ''
  const digest = assembledDigest(image)
  if (programs.kind === 'absent') return skip(programs.reason)
  if (own.kind === 'absent') return skip(own.reason)
  if (debian.kind === 'absent') return skip(debian.reason)
  if (digest === undefined) throw new Error(`Cannot find an image in '${image}'`)
  const plane = await startControlPlane({ programs })
  say(`control plane started in ${seconds()} s`)
  let code = 1
  try {
    const { root } = debian
    const layout = join(image, 'oci')
    const facts = await startNode(plane, { programs: own, root, layout, digest })
    await writeFile(paths.facts, JSON.stringify(facts))
    say(`node ready after ${seconds()} s`)
    code = await runFiles(plane)
  } finally {
    if (code !== 0) await keepLogs(plane)
    await plane.close()
  }
  return code
}

/** Those of the last run that failed, for whoever looks into it. */
async function keepLogs(plane: ControlPlane): Promise<void> {
  const directory = join(homedir(), '.cache', 'outrigger', 'node-logs')
  await mkdir(directory, { recursive: true })
  const logs = [...plane.components.keys()].map((name) => join(plane.directory, `${name}.log`))
  for (const log of [...logs, logOf('containerd'), logOf('kubelet')]) {
    // One that was not started has none.
    await copyFile(log, join(directory, log.split('/').at(-1) ?? '')).catch(() => undefined)
  }
  say(`what the components said is in ${directory}`)
}

async function runFiles(plane: ControlPlane): Promise<number> {
  const socket = join(plane.directory, 'switches.sock')
  const server = await serveSwitches(plane, socket)
  const facts: SuiteFacts = {
    server: plane.api.server,
    ca: plane.api.ca,
    token: plane.api.token,
    socket,
    signingKind: 'RS256',
    components: [...plane.components.keys()],
  }
  const factsFile = join(plane.directory, 'facts.json')
  await writeFile(factsFile, JSON.stringify(facts))
  const files =
    positionals.length > 0
      ? positionals.map((file) => resolve(file))
      : globSync('*.test.ts', { cwd: import.meta.dirname })
          .toSorted()
          .map((file) => join(import.meta.dirname, file))
  const reporter = ['--test-reporter=spec', '--test-reporter-destination=stdout']
  const flags = ['--test', '--test-concurrency=1', '--test-timeout=180000', ...reporter]
  const child = spawn(process.execPath, [...flags, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [factsVariable]: factsFile },
  })
  await once(child, 'exit')
  server.close()
  return child.exitCode ?? 1
}

function seconds(): string {
  return ((performance.now() - began) / 1_000).toFixed(1)
}

function say(text: string): void {
  process.stderr.write(`test/node: ${text}\n`)
}
