import { touch } from '#deploy/controller/touch.ts'
import { configLabel, injectedLabel } from '#deploy/inject/names.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { keyOf } from '#shared/kubernetes/kubernetes-object.ts'
import { type Cluster, found, podsPath } from '../cluster/cluster.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { components } from '../fleet/components.ts'
import { heldHash, platformConfigMap, platformFile } from '../fleet/platform-file.ts'
import { isLive } from '../pods/owner.ts'
import { exits, misuse } from '../terminal/failure.ts'
import { readInput } from '../terminal/read-input.ts'
import { counted } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { problemTable } from './check.ts'

/** The controller writes within a second of a change; longer, and it is not there. */
const distributionMs = 30_000
const pollMs = 500

/** `outrigger config push`: writes a configuration, and lets kubelets look at once. */
export async function pushConfig(call: CommandCall): Promise<Outcome> {
  const [file] = call.operands
  const isNow = call.options.has('now')
  if (file === undefined && !isNow) {
    throw misuse('There is nothing to push.', 'Write FILE, or --now, or both.')
  }
  const text = file === undefined ? undefined : await readInput(file, call.terminal)
  if (text !== undefined) {
    const loaded = parseConfig(text, file ?? '')
    if (!loaded.ok) {
      const problems = problemTable(file ?? '', loaded.problems, 'problem')
      return { exit: exits.found, text: `${problems}Nothing was written.\n`, data: loaded }
    }
  }
  const cluster = await call.cluster()
  if (text !== undefined) await write(cluster, text)
  const where = `${cluster.systemNamespace}/${platformConfigMap}`
  const written = text === undefined ? '' : `ConfigMap ${where} is written.\n`
  if (!isNow) return { exit: exits.ok, text: written, data: { touched: 0 } }
  const late = await distributed(cluster, call.terminal.clock)
  if (late.length > 0) {
    const names = late.slice(0, 10).join(', ')
    const hint = 'The controller has not written these namespaces: see outrigger check.\n'
    const data = { touched: 0, late }
    return { exit: exits.found, text: `${written}${hint}  ${names}\n`, data }
  }
  const { pods, error } = await touchAll(cluster, call)
  const why = error === undefined ? '' : `Some were not: ${error.message}.\n`
  return {
    exit: error === undefined ? exits.ok : exits.found,
    text: `${written}${counted(pods, 'pod')} touched: kubelet looks at once.\n${why}`,
    data: { touched: pods, ...(error === undefined ? {} : { error: error.message }) },
  }
}

/** Only the one key: labels and owners of the ConfigMap stay whoever's they are. */
async function write({ api, systemNamespace }: Cluster, text: string): Promise<void> {
  const path = `/api/v1/namespaces/${systemNamespace}/configmaps`
  const data = { 'outrigger.yaml': text }
  const labels = { [configLabel]: 'true' }
  const isThere = (await found(api, `${path}/${platformConfigMap}`)) !== undefined
  if (isThere) {
    const body = { metadata: { labels }, data }
    await api.patch(`${path}/${platformConfigMap}`, body, { type: 'merge' })
    return
  }
  const metadata = { name: platformConfigMap, namespace: systemNamespace, labels }
  await api.create(path, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
}

/** Waits until every namespace that holds a part holds the newest; gives those that do not. */
async function distributed(cluster: Cluster, clock: Terminal['clock']): Promise<string[]> {
  const endMs = clock.now() + distributionMs
  for (;;) {
    const { projected, held } = await platformFile(cluster)
    const hash = projected?.ok === true ? projected.projection.hash : undefined
    const late = [...held].filter(([, map]) => heldHash(map) !== hash).map(([name]) => name)
    if (late.length === 0 || clock.now() >= endMs) return late.toSorted()
    await new Promise<void>((resolve) => {
      clock.after(pollMs, resolve)
    })
  }
}

async function touchAll(cluster: Cluster, { terminal, namespace }: CommandCall) {
  const { api } = cluster
  const labelSelector = `${injectedLabel}=true`
  const [{ items }, deployed] = await Promise.all([
    api.list(podsPath(namespace), { labelSelector }),
    components(cluster),
  ])
  // They mount the whole file, and judge calls by it.
  const ambassadors = deployed.flatMap(({ kind, pods }) => (kind === 'ambassador' ? pods : []))
  const names = [...items, ...ambassadors].filter(isLive).map(keyOf)
  const touched = await touch(api, [...new Set(names)], String(terminal.clock.wall()))
  return { ...touched, error: refusalOf(touched.error) }
}

function refusalOf(error: KubernetesError | undefined): KubernetesError | undefined {
  // A pod that has just gone needs nothing.
  return error?.status === 404 ? undefined : error
}
