import { setTimeout as wait } from 'node:timers/promises'
import { type Memory, memory } from './cpu.ts'
import { type Routes, startPair } from './routes.ts'

/** One start of one half. */
export interface Start {
  readonly half: 'sidecar' | 'ambassador'
  readonly cpuMs: number
  readonly wallMs: number
  /** A second after it was ready, without a call. */
  readonly idle: Memory
}

const idleMs = 1_000

/** Starts a pair anew and looks at it before its first call. */
export async function measureStart({ directory, mockPort }: Routes): Promise<Start[]> {
  const pair = await startPair({ directory, mockPort })
  await wait(idleMs)
  const starts = ([pair.sidecar, pair.ambassador] as const).map(
    (half): Start => ({
      half: half === pair.sidecar ? 'sidecar' : 'ambassador',
      cpuMs: half.readyCpuMs,
      wallMs: half.readyMs,
      idle: memory(half.pid),
    }),
  )
  await pair.end()
  return starts
}
