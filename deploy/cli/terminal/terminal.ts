import type { Clock } from '#shared/call/clock.ts'
import type { Environment } from '#shared/config/secrets.ts'

/** What a command has of the process around it. */
export interface Terminal {
  /** To standard output: what was asked for, and nothing else. */
  readonly write: (text: string) => void
  /** To standard error: progress, refusals, hints. */
  readonly tell: (text: string) => void
  /** Standard input, whole. */
  readonly input: () => Promise<string>
  readonly isColoured: boolean
  readonly environment: Environment
  readonly clock: Pick<Clock, 'now' | 'wall' | 'after'>
}
