import { parseConfig } from '#shared/config/load.ts'
import { components, controllerName } from '../fleet/components.ts'
import {
  type ControllerPage,
  controllerPage,
  leaderOf,
  leadingPod,
} from '../fleet/controller-page.ts'
import { heldHash, platformFile } from '../fleet/platform-file.ts'
import { namespacesOf, podsWithSidecar } from '../pods/with-sidecar.ts'
import { duration } from '../terminal/table.ts'
import { type Check, fail, listed, ok, type Scene, type Verdict, warn } from './finding.ts'

const dayMs = 86_400_000
/** Its lease runs out after 15 s; clocks of people's machines differ from the cluster's. */
const silentMs = 90_000
/** An authority is renewed when a third of its year is left, a leaf when ten of its 30 days are. */
const authorityDays = { fail: 14, warn: 60 } as const
const leafDays = { fail: 2, warn: 8 } as const
const seeLog = (namespace: string) =>
  `See kubectl logs -n ${namespace} deployment/${controllerName}.`

/** Who writes what the others read. */
export const checksOfController: readonly Check[] = [
  { category: 'controller', name: 'a controller leads', when: 'after', run: checkLeader },
  { category: 'controller', name: 'it completes its turns', when: 'after', run: checkTurns },
  {
    category: 'certificates',
    name: 'the authorities hold for weeks',
    when: 'after',
    run: (scene) => checkEnds(scene, (secret) => secret === 'outrigger-ca', authorityDays),
  },
  {
    category: 'certificates',
    name: 'the certificates of servers hold for days',
    when: 'after',
    run: (scene) => checkEnds(scene, (secret) => secret !== 'outrigger-ca', leafDays),
  },
  {
    category: 'configuration',
    name: 'ConfigMap outrigger is valid',
    when: 'after',
    run: checkConfiguration,
  },
  {
    category: 'configuration',
    name: 'every namespace with sidecars holds it',
    when: 'after',
    run: checkDistribution,
  },
]

async function checkLeader({ cluster, wallMs }: Scene): Promise<Verdict> {
  const [leader, deployed] = await Promise.all([leaderOf(cluster), components(cluster)])
  const remedy = `${seeLog(cluster.systemNamespace)} Its role must allow leases in that namespace.`
  const controller = deployed.find(({ kind }) => kind === 'controller')
  if (controller === undefined) {
    return fail(`there is no Deployment ${controllerName}`, 'Run helm upgrade with its values.')
  }
  if (controller.ready === 0) return fail(`none of ${controller.wanted} replicas is ready`, remedy)
  if (leader === undefined || leader.holder === '') return fail('nobody holds the lease', remedy)
  const silent = wallMs - leader.renewed
  if (silent > silentMs)
    return fail(`${leader.holder} has been silent for ${duration(silent)}`, remedy)
  return ok(leader.holder)
}

async function pageOf({ cluster }: Scene): Promise<ControllerPage | undefined> {
  const [leader, deployed] = await Promise.all([leaderOf(cluster), components(cluster)])
  const pod = leadingPod(deployed, leader)
  return pod === undefined ? undefined : controllerPage(cluster, pod)
}

const noPage = warn('no controller that leads could be asked', 'Mend the leader first.')

async function checkTurns(scene: Scene): Promise<Verdict> {
  const page = await pageOf(scene)
  if (page === undefined) return noPage
  const { turnsDone, turnsFailed } = page
  const log = seeLog(scene.cluster.systemNamespace)
  if (turnsDone === 0) return fail(`none yet, ${turnsFailed} failed`, log)
  if (turnsFailed > turnsDone) return warn(`${turnsFailed} failed, ${turnsDone} done`, log)
  return ok(`${turnsDone} done, ${turnsFailed} failed`)
}

async function checkEnds(
  scene: Scene,
  isMeant: (secret: string) => boolean,
  days: { readonly fail: number; readonly warn: number },
): Promise<Verdict> {
  const page = await pageOf(scene)
  if (page === undefined) return noPage
  const ends = [...page.certificates]
    .filter(([secret]) => isMeant(secret))
    .map(([secret, endMs]) => ({ secret, days: Math.floor((endMs - scene.wallMs) / dayMs) }))
    .toSorted((one, other) => one.days - other.days)
  const [first] = ends
  if (first === undefined) return warn('none is known', seeLog(scene.cluster.systemNamespace))
  const found = `Secret ${first.secret} holds for ${first.days}d`
  const remedy = `The controller should have renewed it. ${seeLog(scene.cluster.systemNamespace)}`
  if (first.days < days.fail) return fail(found, remedy)
  return first.days < days.warn ? warn(found, remedy) : ok(found)
}

async function checkConfiguration({ cluster }: Scene): Promise<Verdict> {
  const { text, hash } = await platformFile(cluster)
  const push = 'outrigger config push --now FILE'
  if (text === undefined) {
    return fail(`there is no ConfigMap outrigger in ${cluster.systemNamespace}`, `Run ${push}.`)
  }
  const loaded = parseConfig(text, 'outrigger.yaml')
  if (loaded.ok) return ok(`file ${hash}`)
  const [first] = loaded.problems
  const at = first?.line === undefined ? '' : `line ${first.line}: `
  const found = `${at}${first?.path} ${first?.message}; the last good one stays in force`
  return fail(found, `See outrigger config check, correct it and run ${push}.`)
}

async function checkDistribution({ cluster }: Scene): Promise<Verdict> {
  const [{ projected, held }, pods] = await Promise.all([
    platformFile(cluster),
    podsWithSidecar(cluster.api),
  ])
  if (projected?.ok !== true) return warn('there is no valid one to hold', 'Mend that first.')
  const { hash } = projected.projection
  const populated = namespacesOf(pods)
  const late = [...populated].filter((name) => heldHash(held.get(name)) !== hash).toSorted()
  if (late.length === 0) return ok(`${populated.size} hold ${hash}`)
  return fail(
    `${listed(late)} do not hold ${hash}`,
    `${seeLog(cluster.systemNamespace)} It must be allowed to write ConfigMap outrigger-sidecar there.`,
  )
}
