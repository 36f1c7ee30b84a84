import { parseArgs } from 'node:util'
import { type ControlPlane, startControlPlane } from './control-plane/plane.ts'
import { controlPlanePrograms, type Programs } from './control-plane/programs.ts'
import { buildHelm } from './helm/helm.ts'
import { enterNamespace, isInsideNamespace, setUpNetwork } from './namespace.ts'
import { Suite, type SuiteKind } from './suite.ts'

/** `run.ts [--emulate 1.34] [FILE…]`: the suite, or some files of it, on one cluster. */
const { values, positionals } = parseArgs({
  options: { emulate: { type: 'string' } },
  allowPositionals: true,
})
const { emulate } = values
/** Other keys with the other version, so that both are met. */
const kind: SuiteKind =
  emulate === undefined
    ? { signingKind: 'RS256' }
    : { signingKind: 'ES256', emulatedVersion: emulate }
const suiteLimitMs = 20 * 60_000
const suite = new Suite(import.meta.dirname, positionals)

process.exitCode = isInsideNamespace() ? await runInside() : await runOutside()
process.exit()

/** Builds, since inside there is no network, then runs this file inside. */
async function runOutside(): Promise<number> {
  const programs = await controlPlanePrograms()
  if (programs.kind === 'absent') return suite.skip(programs.reason)
  const helm = await buildHelm()
  if (helm.kind === 'absent') suite.say(`no helm: ${helm.reason}`)
  const args = [import.meta.filename, ...process.argv.slice(2)]
  const entered = await enterNamespace(args)
  return entered.kind === 'absent' ? suite.skip(entered.reason) : entered.code
}

async function runInside(): Promise<number> {
  setUpNetwork()
  suite.bound(suiteLimitMs)
  const programs = await controlPlanePrograms()
  if (programs.kind === 'absent') return suite.skip(programs.reason)
  const plane = await startAnnounced(programs)
  let code = 1
  try {
    code = await suite.run(plane, kind)
    if (code !== 0) await suite.keepLogs(plane)
  } finally {
    await plane.close()
  }
  return code
}

async function startAnnounced(programs: Programs): Promise<ControlPlane> {
  const began = performance.now()
  const plane = await startControlPlane({ programs, ...kind })
  const names = [...plane.components.keys()].join(', ')
  const behaviour = emulate === undefined ? '' : `, as version ${emulate}`
  suite.say(`${names} started in ${((performance.now() - began) / 1_000).toFixed(1)} s${behaviour}`)
  return plane
}
