import type { Injection } from '#deploy/inject/inject.ts'
import { injectManifest } from '#deploy/inject/manifest.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { exits } from '../terminal/failure.ts'
import { printable } from '../terminal/table.ts'
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
  const { text, outcomes } = await rewrite(call, (manifest) =>
    injectManifest(manifest, { name: namespace }, settings),
  )
  for (const { what, result } of outcomes) {
    for (const line of linesOf(result)) call.terminal.tell(`${printable(`${what}: ${line}`)}\n`)
  }
  if (outcomes.length === 0) call.terminal.tell('There is no pod and no pod template in it.\n')
  if (!outcomes.some(({ result }) => result.kind === 'refuse')) return { exit: exits.ok, text }
  call.terminal.tell('Nothing is printed: correct what was refused, or take it out.\n')
  return { exit: exits.found, text: '' }
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
