import { uninjectManifest } from '#deploy/inject/manifest.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { rewrite } from './rewrite.ts'

const words = { removed: 'sidecar taken out', untouched: 'unchanged: it has no sidecar' } as const

/** `outrigger uninject`: a manifest without its sidecars, or every refusal and no manifest. */
export async function uninject(call: CommandCall): Promise<Outcome> {
  return rewrite(call, uninjectManifest, (removal) => [
    removal.kind === 'refuse' ? removal.message : words[removal.kind],
  ])
}
