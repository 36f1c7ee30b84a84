import type { ConfigStore } from '#shared/config/snapshot.ts'
import type { Counter, Gauge } from '#shared/telemetry/metrics.ts'

interface ConfigMetrics {
  readonly configGeneration: Gauge<readonly []>
  readonly configLastReloadSuccessful: Gauge<readonly []>
  readonly configReloads: Counter<readonly ['result']>
}

/** Shows in metrics which configuration runs and whether the last file was taken. */
export function observeConfig(store: ConfigStore, metrics: ConfigMetrics): void {
  metrics.configGeneration.collect(() => [[[], store.current()?.generation ?? 0]])
  metrics.configReloads.collect(() => [
    [['accepted'], store.current()?.generation ?? 0],
    [['rejected'], store.rejections()],
  ])
  metrics.configLastReloadSuccessful.collect(() => [
    [[], store.current() !== undefined && store.rejected() === undefined ? 1 : 0],
  ])
}
