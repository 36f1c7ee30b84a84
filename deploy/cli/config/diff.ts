import { configTextOf } from '#deploy/controller/distribute.ts'
import { describeProblems, parseConfig } from '#shared/config/load.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { isKept, platformConfigMap, platformFile } from '../fleet/platform-file.ts'
import { namespacesOf, podsWithSidecar } from '../pods/with-sidecar.ts'
import { CommandFailure, exits } from '../terminal/failure.ts'
import { readInput } from '../terminal/read-input.ts'
import { table } from '../terminal/table.ts'
import { type Difference, differences, shown } from './differences.ts'

/** `outrigger config diff`: a file against the cluster, or the cluster against its namespaces. */
export async function diffConfig(call: CommandCall): Promise<Outcome> {
  const cluster = await call.cluster()
  const [file] = call.operands
  return file === undefined
    ? againstNamespaces(cluster, call.namespace)
    : againstFile(cluster, await readInput(file, call.terminal))
}

async function againstFile(cluster: Cluster, text: string): Promise<Outcome> {
  const { text: running = '' } = await platformFile(cluster)
  const differing = differences(running, text)
  const loaded = parseConfig(text, 'the file')
  const warning = loaded.ok ? '' : '\nThe file is not valid: see outrigger config check.\n'
  const rows = differing.map(({ path, from, to }) => [path, shown(from), shown(to)])
  const same = `The file and ConfigMap ${cluster.systemNamespace}/${platformConfigMap} say the same.`
  return {
    exit: differing.length === 0 && loaded.ok ? exits.ok : exits.found,
    text: table(['KEY', 'RUNNING', 'FILE'], rows, same) + warning,
    data: { differences: differing, isValid: loaded.ok },
  }
}

async function againstNamespaces(
  cluster: Cluster,
  namespace: string | undefined,
): Promise<Outcome> {
  const [{ projected, held }, pods] = await Promise.all([
    platformFile(cluster),
    podsWithSidecar(cluster.api, namespace),
  ])
  if (projected === undefined || !projected.ok) {
    const where = `ConfigMap ${cluster.systemNamespace}/${platformConfigMap}`
    const state = projected === undefined ? 'is absent' : 'is not valid'
    const details = projected?.ok === false ? `: ${describeProblems(projected.problems)}` : ''
    throw new CommandFailure(`Cannot compare: ${where} ${state}${details}.`, {
      exit: exits.found,
      remedy: 'Push a valid one: outrigger config push --now FILE.',
    })
  }
  const populated = namespacesOf(pods)
  const found = [...held]
    .filter(([name]) => namespace === undefined || name === namespace)
    // A tenant's own, which no sidecar reads, need not say the same.
    .filter(([name, map]) => isKept(map) || populated.has(name))
    .map(([name, map]) => {
      const text = configTextOf(map) ?? ''
      return { namespace: name, differences: differences(text, projected.projection.text) }
    })
    .filter((one) => one.differences.length > 0)
    .toSorted((one, other) => (one.namespace < other.namespace ? -1 : 1))
  const rows = found.flatMap((one) => one.differences.map((each) => row(one.namespace, each)))
  const same = `Every namespace holds ${projected.projection.hash}.`
  return {
    exit: found.length === 0 ? exits.ok : exits.found,
    text: table(['NAMESPACE', 'KEY', 'HOLDS', 'SHOULD HOLD'], rows, same),
    data: { hash: projected.projection.hash, namespaces: found },
  }
}

function row(namespace: string, { path, from, to }: Difference): string[] {
  return [namespace, path, shown(from), shown(to)]
}
