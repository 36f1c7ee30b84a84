import type { Injection } from '#deploy/inject/inject.ts'
import { injectManifest } from '#deploy/inject/manifest.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { injectionSettings } from './injection-settings.ts'
import { rewrite } from './rewrite.ts'

/** `outrigger inject`: a manifest with its sidecars, or every refusal and no manifest. */
export async function inject(call: CommandCall): Promise<Outcome> {
  let cluster: Cluster | undefined
  const settings = await injectionSettings(call, async () => {
    cluster = await call.cluster()
    return cluster
  })
  const namespace = call.namespace ?? cluster?.namespace ?? 'default'
  const change = (manifest: unknown) => injectManifest(manifest, { name: namespace }, settings)
  return rewrite(call, change, linesOf)
}

function linesOf(injection: Injection): readonly string[] {
  switch (injection.kind) {
    case 'patch':
      return [`injected, template ${injection.template}`, ...warningsOf(injection.warnings)]
    case 'skip':
      return [`unchanged: ${injection.message}`, ...warningsOf(injection.warnings)]
    case 'refuse':
      return [injection.message]
  }
}

const warningsOf = (warnings: readonly string[]) => warnings.map((each) => `warning: ${each}`)
