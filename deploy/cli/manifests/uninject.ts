import { uninjectManifest } from '#deploy/inject/manifest.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { exits } from '../terminal/failure.ts'
import { printable } from '../terminal/table.ts'
import { rewrite } from './rewrite.ts'

const words = { removed: 'sidecar taken out', untouched: 'unchanged: it has no sidecar' } as const

/** `outrigger uninject`: a manifest without its sidecars, or every refusal and no manifest. */
export async function uninject(call: CommandCall): Promise<Outcome> {
  const { text, outcomes } = await rewrite(call, uninjectManifest)
  for (const { what, result } of outcomes) {
    const said = result.kind === 'refuse' ? result.message : words[result.kind]
    call.terminal.tell(`${printable(`${what}: ${said}`)}\n`)
  }
  if (!outcomes.some(({ result }) => result.kind === 'refuse')) return { exit: exits.ok, text }
  call.terminal.tell('Nothing is printed: correct what was refused, or take it out.\n')
  return { exit: exits.found, text: '' }
}
