import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { factsVariable, type SuiteFacts } from './cluster.ts'
import { type ControlPlane, startControlPlane } from './control-plane/plane.ts'
import { controlPlanePrograms, type Programs } from './control-plane/programs.ts'
import { buildHelm } from './helm/helm.ts'
import { enterNamespace, isInsideNamespace, setUpNetwork } from './namespace.ts'
import { serveSwitches } from './switchboard.ts'

/** `run.ts [--emulate 1.34] [FILE…]`: the suite, or some files of it, on one cluster. */
const { values, positionals } = parseArgs({
  options: { emulate: { type: 'string' } },
  allowPositionals: true,
})
// So that both are met.
const signingKind = values.emulate === undefined ? 'RS256' : 'ES256'
const suiteLimitMs = 20 * 60_000

process.exitCode = isInsideNamespace() ? await runInside() : await runOutside()
process.exit()

/** Builds, since inside there is no network, then runs this file inside. */
async function runOutside(): Promise<number> {
  const programs = await controlPlanePrograms()
  if (programs.kind === 'absent') return skip(programs.reason)
  const helm = await buildHelm()
  if (helm.kind === 'absent') say(`no helm: ${helm.reason}`)
  const args = [import.meta.filename, ...process.argv.slice(2)]
  const entered = await enterNamespace(args)
  return entered.kind === 'absent' ? skip(entered.reason) : entered.code
}

/** Loud, and no failure: the machine lacks something that the product does not need. */
function skip(reason: string): number {
  say(`SKIPPED, not one test was run: ${reason}`)
  return 0
}

async function runInside(): Promise<number> {
  setUpNetwork()
  // This process is the first of its namespace: with it, all others end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(1))
  }
  setTimeout(() => {
    say(`Cannot finish the suite: it runs for ${suiteLimitMs} ms`)
    process.exit(1)
  }, suiteLimitMs).unref()
  const programs = await controlPlanePrograms()
  if (programs.kind === 'absent') return skip(programs.reason)
  const plane = await startAnnounced(programs)
  let code = 1
  try {
    code = await runFiles(plane)
    if (code !== 0) await keepLogs(plane)
  } finally {
    await plane.close()
  }
  return code
}

/** Those of the last suite that failed, for whoever looks into it. */
async function keepLogs(plane: ControlPlane): Promise<void> {
  const directory = join(homedir(), '.cache', 'outrigger', 'cluster-logs')
  await mkdir(directory, { recursive: true })
  for (const name of plane.components.keys()) {
    await copyFile(join(plane.directory, `${name}.log`), join(directory, `${name}.log`))
  }
  say(`what the components said is in ${directory}`)
}

async function startAnnounced(programs: Programs): Promise<ControlPlane> {
  const began = performance.now()
  const { emulate } = values
  const emulated = emulate === undefined ? {} : { emulatedVersion: emulate }
  const plane = await startControlPlane({ programs, signingKind, ...emulated })
  const names = [...plane.components.keys()].join(', ')
  const behaviour = emulate === undefined ? '' : `, as version ${emulate}`
  say(`${names} started in ${((performance.now() - began) / 1_000).toFixed(1)} s${behaviour}`)
  return plane
}

async function runFiles(plane: ControlPlane): Promise<number> {
  const socket = join(plane.directory, 'switches.sock')
  const server = await serveSwitches(plane, socket)
  const facts: SuiteFacts = {
    server: plane.api.server,
    ca: plane.api.ca,
    token: plane.api.token,
    socket,
    signingKind,
    components: [...plane.components.keys()],
    ...(values.emulate === undefined ? {} : { emulatedVersion: values.emulate }),
  }
  const factsFile = join(plane.directory, 'facts.json')
  await writeFile(factsFile, JSON.stringify(facts))
  const files =
    positionals.length > 0
      ? positionals.map((file) => resolve(file))
      : globSync('**/*.test.ts', { cwd: import.meta.dirname })
          .toSorted()
          .map((file) => join(import.meta.dirname, file))
  const reporter = ['--test-reporter=spec', '--test-reporter-destination=stdout']
  // One file at a time: files switch the components that all of them use.
  const flags = ['--test', '--test-concurrency=1', '--test-timeout=180000', ...reporter]
  const child = spawn(process.execPath, [...flags, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [factsVariable]: factsFile },
  })
  await once(child, 'exit')
  server.close()
  return child.exitCode ?? 1
}

function say(text: string): void {
  process.stderr.write(`test/cluster: ${text}\n`)
}
