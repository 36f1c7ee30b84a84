import { adapters } from './adapters.ts'
import { agents, agentsLosingOne } from './agents.ts'
import { aggressor } from './aggressor.ts'
import { tenfoldBurst } from './burst.ts'
import { hotPrefix } from './hot-prefix.ts'
import { ladderWorkload } from './ladder-workload.ts'
import { trace } from './trace.ts'
import type { Workload } from './workload.ts'

export const workloadNames = [
  'trace',
  'trace-raw',
  'trace-wide',
  'ladder',
  'agents',
  'agents-losing-one',
  'hot-prefix',
  'adapters-15',
  'adapters-200',
  'aggressor-rate',
  'aggressor-size',
  'burst',
] as const

export type WorkloadName = (typeof workloadNames)[number]

/** Those that read the trace's file. */
export function needsTrace(name: WorkloadName): boolean {
  return name.startsWith('trace')
}

/** `traceFile` is read when calls are asked of a workload that needs it. */
export function workloadNamed(name: WorkloadName, traceFile: string): Workload {
  switch (name) {
    case 'trace':
      return trace({ file: traceFile, arrivals: 'spread', pools: 1 })
    case 'trace-raw':
      return trace({ file: traceFile, arrivals: 'raw', pools: 1 })
    case 'trace-wide':
      return trace({ file: traceFile, arrivals: 'spread', pools: 8 })
    case 'ladder':
      return ladderWorkload
    case 'agents':
      return agents
    case 'agents-losing-one':
      return agentsLosingOne
    case 'hot-prefix':
      return hotPrefix
    case 'adapters-15':
      return adapters(15)
    case 'adapters-200':
      return adapters(200)
    case 'aggressor-rate':
      return aggressor('rate')
    case 'aggressor-size':
      return aggressor('size')
    case 'burst':
      return tenfoldBurst
  }
}
