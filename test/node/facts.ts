import { readFileSync } from 'node:fs'
import { paths } from './settings.ts'

/** What test files are told of the node they run beside. */
export interface NodeFacts {
  /** The product's, by digest, as the runtime has it. */
  readonly image: string
  /** The runtime's own tool, and what it is started with. */
  readonly ctr: string
  readonly environment: Readonly<Record<string, string>>
}

export function readFacts(): NodeFacts {
  return JSON.parse(readFileSync(paths.facts, 'utf8'))
}
