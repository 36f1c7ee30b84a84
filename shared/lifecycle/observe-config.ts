import type { ConfigStore } from '#shared/config/snapshot.ts'
import type { Gauge } from '#shared/telemetry/metrics.ts'

interface ConfigMetrics {
  readonly configGeneration: Gauge<readonly []>
  readonly configLastReloadSuccessful: Gauge<readonly []>
}

/** Shows in metrics which configuration runs and whether the last file was taken. */
export function observeConfig(store: ConfigStore, metrics: ConfigMetrics): void {
  metrics.configGeneration.collect(() => [[[], store.current()?.generation ?? 0]])
  metrics.configLastReloadSuccessful.collect(() => [
    [[], store.current() !== undefined && store.rejected() === undefined ? 1 : 0],
  ])
}
