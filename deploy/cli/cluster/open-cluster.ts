import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { systemNamespace } from '#deploy/inject/names.ts'
import { systemClock } from '#shared/call/clock.ts'
import type { Environment } from '#shared/config/secrets.ts'
import {
  type ClusterAccess,
  inClusterAccess,
  inClusterNamespace,
} from '#shared/kubernetes/cluster-access.ts'
import { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { version } from '#shared/lifecycle/version.ts'
import { CommandFailure, exits } from '../terminal/failure.ts'
import type { Cluster } from './cluster.ts'

/** Which cluster, as the options say it. */
export interface ClusterChoice {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly systemNamespace: string | undefined
  readonly environment: Environment
}

/** How a cluster is reached, and where one is in it. */
export interface OpenAccess {
  readonly access: ClusterAccess
  readonly namespace: string
}

/** Proxied pages and admissions of dry runs take seconds where something is wrong. */
const timeoutMs = 20_000

/**
 * The cluster of `--kubeconfig`, else of KUBECONFIG, else of ~/.kube/config, else the one around this
 * process: kubectl's order. Rejects with `CommandFailure`.
 */
export async function openCluster(choice: ClusterChoice): Promise<Cluster> {
  const { access, namespace } = await accessOf(choice)
  const userAgent = `outrigger-cli/${version}`
  const api = new KubernetesApi({ access, clock: systemClock, userAgent, timeoutMs })
  return {
    api,
    namespace,
    systemNamespace: choice.systemNamespace ?? systemNamespace,
    close: () => api.close(),
  }
}

async function accessOf(choice: ClusterChoice): Promise<OpenAccess> {
  const files = kubeconfigFiles(choice)
  if (files.length > 0) {
    // It takes half a second to load, which offline commands do without.
    const { readKubeconfig } = await import('./kubeconfig.ts')
    return readKubeconfig(files, choice.context)
  }
  const access = inClusterAccess(choice.environment)
  if (access !== undefined) return { access, namespace: inClusterNamespace() ?? 'default' }
  throw new CommandFailure('Cannot find a cluster: there is no kubeconfig.', {
    exit: exits.unreachable,
    remedy: 'Give --kubeconfig FILE, or set KUBECONFIG, or write ~/.kube/config.',
  })
}

/** Those that there are; whoever names one that is absent is told. */
function kubeconfigFiles({ kubeconfig, environment }: ClusterChoice): string[] {
  if (kubeconfig !== undefined) return [existing([kubeconfig], '--kubeconfig')].flat()
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '')
  if (listed.length > 0) return existing(listed, 'KUBECONFIG')
  const usual = join(environment['HOME'] ?? homedir(), '.kube', 'config')
  return existsSync(usual) ? [usual] : []
}

function existing(files: readonly string[], source: string): string[] {
  const there = files.filter((file) => existsSync(file))
  if (there.length > 0) return there
  throw new CommandFailure(`Cannot read '${files.join(delimiter)}': no such file.`, {
    exit: exits.usage,
    remedy: `Correct ${source}.`,
  })
}
