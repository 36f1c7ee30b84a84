import { operationOf, type Surface } from '#shared/dialects/surfaces.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { Cost } from './prices/cost.ts'
import type { AmbassadorMetrics } from './telemetry/metrics.ts'

/** Whose usage it is. */
export interface UsageLabels {
  readonly tenant: string
  readonly class: string
  /** Empty where none was allowed: a caller's text is no label. */
  readonly model: string
  readonly provider: string
  readonly surface: Surface | undefined
}

type CountedMetrics = Pick<AmbassadorMetrics, 'tokens' | 'genAiTokenUsage' | 'cost' | 'costUnknown'>

/** Adds what was used, and what it cost, to the metrics. */
export function countUsage(
  metrics: CountedMetrics,
  labels: UsageLabels,
  { usage, cost }: { readonly usage: Usage; readonly cost: Cost | undefined },
): void {
  countTokens(metrics, labels, usage)
  if (cost !== undefined) countCost(metrics, labels, cost)
}

function countTokens(metrics: CountedMetrics, labels: UsageLabels, usage: Usage): void {
  const { tenant, class: of, model, provider, surface } = labels
  const exactness = usage.isExact ? 'exact' : 'estimate'
  const counts = [
    ['input', usage.input],
    ['cached', usage.cached],
    ['cache_write', usage.cacheWrite],
    ['output', usage.output],
    ['reasoning', usage.reasoning],
  ] as const
  for (const [type, count] of counts) {
    if (count === 0) continue
    metrics.tokens.add(count, [tenant, of, model, provider, type, exactness])
  }
  if (surface === undefined || surface.wants === 'count') return
  if (surface.wants === 'pass' && usage.input + usage.output === 0) return
  const operation = operationOf(surface)
  metrics.genAiTokenUsage.observe(usage.input, [operation, provider, model, 'input'])
  metrics.genAiTokenUsage.observe(usage.output, [operation, provider, model, 'output'])
}

function countCost(metrics: CountedMetrics, labels: UsageLabels, cost: Cost): void {
  const { tenant, class: of, model, provider } = labels
  if (cost.kind === 'unknown') {
    metrics.costUnknown.add(1, [model, provider, cost.reason])
    return
  }
  const exactness = cost.isExact ? 'exact' : 'estimate'
  metrics.cost.add(Number(cost.amount) / picoPerUsd, [tenant, of, model, provider, exactness])
}

/** A metric is a number of base two; the ledger line has the exact one. */
const picoPerUsd = 1e12
