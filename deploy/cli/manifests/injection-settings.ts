import { objectAt } from '#deploy/inject/json.ts'
import { readSettings } from '#deploy/inject/read-settings.ts'
import type { InjectSettings } from '#deploy/inject/settings.ts'
import { found } from '#shared/kubernetes/found.ts'
import { serverVersion } from '#shared/kubernetes/server-version.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommandCall } from '../command.ts'
import { CommandFailure, exits } from '../terminal/failure.ts'
import { readInput } from '../terminal/read-input.ts'

/** ConfigMap that the webhook mounts, and its key. */
export const settingsConfigMap = 'outrigger-inject'
const settingsKey = 'inject.yaml'

/** How pods are injected: by `--settings FILE`, else by what the cluster's webhook reads. */
export async function injectionSettings(
  call: Pick<CommandCall, 'options' | 'terminal'>,
  cluster: () => Promise<Cluster>,
): Promise<InjectSettings> {
  const file = call.options.text('settings')
  if (file !== undefined) return taken(await readInput(file, call.terminal), `'${file}'`)
  return settingsIn(await cluster())
}

/** The settings of the cluster's webhook. Rejects with `CommandFailure` or `KubernetesError`. */
export async function settingsIn({
  api,
  systemNamespace,
}: Pick<Cluster, 'api' | 'systemNamespace'>): Promise<InjectSettings> {
  const where = `ConfigMap ${systemNamespace}/${settingsConfigMap}`
  const path = `/api/v1/namespaces/${systemNamespace}/configmaps/${settingsConfigMap}`
  const text = objectAt(await found(api, path), 'data')?.[settingsKey]
  if (typeof text !== 'string') {
    throw new CommandFailure(`Cannot read the injection settings: there is no ${where}.`, {
      exit: exits.usage,
      remedy: 'Give --settings FILE, or see that Outrigger is installed: outrigger check.',
    })
  }
  return taken(text, where, await serverVersion(api))
}

function taken(text: string, where: string, kubernetesVersion?: string): InjectSettings {
  const reading = readSettings(text, kubernetesVersion)
  if (reading.ok) return reading.settings
  throw new CommandFailure(
    `Cannot use the injection settings of ${where}: ${reading.problems.join('; ')}.`,
    { exit: exits.usage, remedy: 'Correct them: least of all they need an image by its digest.' },
  )
}
