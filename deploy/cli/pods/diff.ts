import { injectedLabel } from '#deploy/inject/names.ts'
import { podsPath } from '../cluster/cluster.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { injectionSettings } from '../manifests/injection-settings.ts'
import { exits } from '../terminal/failure.ts'
import { counted, table } from '../terminal/table.ts'
import { outdatedOwners } from './outdated-owners.ts'

/** `outrigger diff`: pods with an outdated template, by owner. */
export async function diff(call: CommandCall): Promise<Outcome> {
  const cluster = await call.cluster()
  const settings = await injectionSettings(call, async () => cluster)
  const { items } = await cluster.api.list(podsPath(call.namespace), {
    labelSelector: `${injectedLabel}=true`,
  })
  const owners = outdatedOwners(items, settings)
  const rows = owners.map(({ namespace, kind, name, pods, differences, run }) => [
    namespace,
    `${kind}/${name}`,
    pods.length,
    differences.join('; '),
    run,
  ])
  const all = `The sidecars of ${counted(items.length, 'pod')} are of today's template.`
  return {
    exit: owners.length === 0 ? exits.ok : exits.found,
    text: table(['NAMESPACE', 'OWNER', 'PODS', 'DIFFERS IN', 'RUN'], rows, all),
    data: { pods: items.length, outdated: owners },
  }
}
