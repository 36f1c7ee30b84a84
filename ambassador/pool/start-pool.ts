import type { Origins } from '#shared/http/client.ts'
import type { HalfOptions } from '#shared/lifecycle/half.ts'
import type { AmbassadorMetrics } from '../telemetry/metrics.ts'
import { admissionMeter } from './admission/admission-meter.ts'
import { ReplicaPool } from './pool.ts'

/** What the pool of an ambassador shares with the rest of it. */
export interface PoolSurroundings {
  readonly origins: Origins
  readonly metrics: AmbassadorMetrics
  /** An attempt has its replica, after so many milliseconds. */
  readonly onPlaced: (heldMs: number) => void
}

/** A pool without replicas yet, which tells metrics and the log what becomes of its calls. */
export function startPool(
  { clock, log, settings }: HalfOptions,
  { origins, metrics, onPlaced }: PoolSurroundings,
): ReplicaPool {
  const { provider } = settings
  return new ReplicaPool({
    clock,
    origins,
    zone: settings.zone,
    onDecision: (line) => log.info(line, 'decision'),
    onHealth({ origin, isHealthy }) {
      log.warn({ replica: origin }, isHealthy ? 'replica is back' : 'replica is left out')
    },
    meter: {
      placed({ heldMs, tier }) {
        metrics.poolHeld.observe(heldMs / 1_000, [provider])
        metrics.poolPlaced.add(1, [provider, tier])
        onPlaced(heldMs)
      },
      ...admissionMeter({ provider, metrics, log }),
      cached(predicted, reported) {
        metrics.poolCachedTokens.add(predicted, [provider, 'predicted'])
        metrics.poolCachedTokens.add(reported, [provider, 'reported'])
      },
    },
  })
}

/** Metrics of replicas and of who waits for them. Of a provider that is no pool they are absent. */
export function observePool(metrics: AmbassadorMetrics, provider: string, pool: ReplicaPool): void {
  metrics.replicaHealthy.collect(() =>
    pool.replicas.map(({ origin, isHealthy }) => [[provider, origin], isHealthy ? 1 : 0]),
  )
  metrics.replicaCallsInFlight.collect(() =>
    pool.replicas.map(({ origin, inFlight }) => [[provider, origin], inFlight]),
  )
  metrics.poolWaiting.collect(() =>
    pool.replicas.length === 0
      ? []
      : pool.placing.waiting.map(([name, calls]) => [[provider, name], calls]),
  )
  metrics.poolReplicaKvUsage.collect(() =>
    pool.placing.view().replicas.map(({ origin, kvUsage }) => [[provider, origin], kvUsage]),
  )
  metrics.poolReplicaQueuedTokens.collect(() =>
    pool.placing
      .view()
      .replicas.map(({ origin, queuedTokens }) => [[provider, origin], queuedTokens]),
  )
}
