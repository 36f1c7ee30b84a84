/** What calls take of a pool: KV blocks that must be found, and milliseconds of prefill at speed 1. */
export interface Work {
  readonly blocks: number
  readonly plainMs: number
}

export const noWork: Work = { blocks: 0, plainMs: 0 }
