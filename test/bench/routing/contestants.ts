import type { DispatchSettings } from '#ambassador/pool/dispatch/settings.ts'
import { fair, fast } from '#ambassador/pool/dispatch/settings.ts'
import {
  type PolicyName,
  policyNamed,
  policyNames,
} from '#ambassador/pool/policies/policy-named.ts'
import type { Placing } from '#deploy/simulator/pool/virtual-pool.ts'
import type { Workload } from './workloads/workload.ts'

/** Who places the calls of a run. */
export interface Contestant {
  readonly name: string
  /** `reference` is no router: the pool as if it were one server. */
  readonly kind: 'baseline' | 'ours' | 'reference'
  /** How the replicas order their own queue: vLLM's --scheduling-policy. */
  readonly scheduling: 'fcfs' | 'priority'
  /** How often its authors have it read the replicas' gauges. */
  readonly scrapeMs: number
  placing(workload: Workload): Placing
}

/** llm-d reads gauges that often; nobody else here needs them so fresh. */
const llmDScrapeMs = 50
const usualScrapeMs = 1_000

/** How many milliseconds sooner a call's turn comes in vLLM's queue for each that it has waited. */
const ageing = 0.05

function baseline(name: PolicyName, scheduling: Contestant['scheduling']): Contestant {
  return {
    name: scheduling === 'priority' ? `${name}+priority` : name,
    kind: 'baseline',
    scheduling,
    scrapeMs: name.startsWith('llm-d') ? llmDScrapeMs : usualScrapeMs,
    placing: ({ blockTokens, tokenMs }) => ({
      kind: 'policy',
      policy: (random) => {
        const priority = scheduling === 'priority' ? { tokenMs, ageing } : undefined
        return policyNamed(name, { random, blockTokens, priority })
      },
    }),
  }
}

function ours(name: string, settings: DispatchSettings): Contestant {
  return {
    name,
    kind: 'ours',
    scheduling: 'fcfs',
    scrapeMs: usualScrapeMs,
    placing: () => ({ kind: 'dispatch', settings }),
  }
}

/** Of one server there is nothing to choose. */
const pooled: Contestant = {
  ...baseline('round-robin', 'fcfs'),
  name: 'pooled',
  kind: 'reference',
}

export const contestants: readonly Contestant[] = [
  pooled,
  ...policyNames.map((name) => baseline(name, 'fcfs')),
  baseline('llm-d-default', 'priority'),
  baseline('llm-d-optimized-baseline', 'priority'),
  ours('fair', fair),
  ours('fast', fast),
]

export function contestantNamed(name: string): Contestant {
  const found = contestants.find((contestant) => contestant.name === name)
  if (found === undefined) throw new Error(`Cannot run '${name}': there is no such policy`)
  return found
}

/** The same with other settings, where it has any. */
export function withSettings(
  contestant: Contestant,
  settings: Partial<DispatchSettings>,
): Contestant {
  const placing = (workload: Workload): Placing => {
    const usual = contestant.placing(workload)
    if (usual.kind === 'policy') return usual
    return { kind: 'dispatch', settings: { ...usual.settings, ...settings } }
  }
  return { ...contestant, placing }
}
