import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Asked } from './placements.ts'

/** A call as the choice of a replica sees it. */
export function poolCallOf(
  { prompt, context, arrivedMs }: Asked,
  { chain, adapter, mayServe }: Pick<PoolCall, 'chain' | 'adapter' | 'mayServe'>,
): PoolCall {
  return {
    id: context.id,
    tokens: prompt.tokens,
    chain,
    adapter,
    mayServe,
    tenant: context.tenant,
    class: context.class,
    weight: context.snapshot?.config.tenants[context.tenant]?.weight,
    arrivedMs,
    outputMax: context.outputMax ?? Number.POSITIVE_INFINITY,
    session: context.session === undefined ? '' : `${context.tenant} ${context.session}`,
  }
}
