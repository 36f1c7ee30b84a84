import { touch } from '#deploy/controller/touch.ts'
import { configLabel } from '#deploy/inject/names.ts'
import { parseConfig } from '#shared/config/load.ts'
import { found } from '#shared/kubernetes/found.ts'
import type { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { keyOf } from '#shared/kubernetes/kubernetes-object.ts'
import { listed } from '../check/finding.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { components } from '../fleet/components.ts'
import { platformConfigMap } from '../fleet/platform-file.ts'
import { isLive } from '../pods/owner.ts'
import { namespacesOf, podsWithSidecar } from '../pods/with-sidecar.ts'
import { exits, misuse } from '../terminal/failure.ts'
import { readInput } from '../terminal/read-input.ts'
import { counted } from '../terminal/table.ts'
import { problemTable } from './check.ts'
import { distributed } from './distributed.ts'

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
  return touchAll(cluster, call, written)
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

/** Touches what can see the newest: a late namespace of one tenant delays no other. */
async function touchAll(
  cluster: Cluster,
  { terminal, namespace }: CommandCall,
  written: string,
): Promise<Outcome> {
  const { api } = cluster
  const populated = namespacesOf(await podsWithSidecar(api, namespace))
  const late = await distributed(cluster, populated, terminal.clock)
  const [pods, deployed] = await Promise.all([podsWithSidecar(api, namespace), components(cluster)])
  const ready = pods.filter(({ metadata }) => !late.includes(metadata.namespace ?? ''))
  // They mount the whole file, and judge calls by it.
  const ambassadors = deployed.flatMap(({ kind, pods }) => (kind === 'ambassador' ? pods : []))
  const names = new Set([...ready, ...ambassadors.filter(isLive)].map(keyOf))
  const touched = await touch(api, [...names], String(terminal.clock.wall()))
  const error = refusalOf(touched.error)
  const isWhole = late.length === 0 && error === undefined
  return {
    exit: isWhole ? exits.ok : exits.found,
    text: [
      `${written}${counted(touched.pods, 'pod')} touched: kubelet looks at once.\n`,
      error === undefined ? '' : `Some were not: ${error.message}.\n`,
      lateText(late),
    ].join(''),
    data: {
      touched: touched.pods,
      ...(late.length === 0 ? {} : { late }),
      ...(error === undefined ? {} : { error: error.message }),
    },
  }
}

function lateText(late: readonly string[]): string {
  if (late.length === 0) return ''
  return `These namespaces do not hold it, and were left out: see outrigger check.\n  ${listed(late)}\n`
}

function refusalOf(error: KubernetesError | undefined): KubernetesError | undefined {
  // A pod that has just gone needs nothing.
  return error?.status === 404 ? undefined : error
}
