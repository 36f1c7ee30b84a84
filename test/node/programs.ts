import { join } from 'node:path'
import { kubernetes } from '../cluster/control-plane/programs.ts'
import { type Absent, buildGoProgram } from '../cluster/go-program.ts'

const directory = join(import.meta.dirname, 'go')

const kubelet = {
  ...kubernetes,
  name: 'kubelet',
  directory,
  package: '.',
  sources: ['main.go'],
}

/** What the first container of each pod runs, instead of the image that kubelet would pull. */
const pause = {
  name: 'pause',
  version: kubernetes.version,
  directory,
  package: './pause',
  sources: ['pause/main.go'],
  linked: [],
}

/** Paths of the node's own programs. */
export interface NodePrograms {
  readonly kind: 'programs'
  readonly kubelet: string
  readonly pause: string
}

/** Both, from `~/.cache/outrigger/{kubelet,pause}/`, built there where they are not. */
export async function nodePrograms(): Promise<NodePrograms | Absent> {
  const node = await buildGoProgram(kubelet)
  if (node.kind === 'absent') return node
  const holder = await buildGoProgram(pause)
  if (holder.kind === 'absent') return holder
  return { kind: 'programs', kubelet: node.path, pause: holder.path }
}
