import type { Clock } from '#shared/call/clock.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { countUsage } from '../count-usage.ts'
import type { AmbassadorMetrics } from '../telemetry/metrics.ts'
import { BackgroundBook } from './background-book.ts'
import { KeyRing, storesResponses } from './key-ring.ts'

interface StoredOptions {
  readonly provider: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: AmbassadorMetrics
}

/** What one ambassador knows of stored responses. */
interface StoredState {
  readonly parts: { readonly storedKeys: KeyRing; readonly background: BackgroundBook }
  apply(snapshot: Snapshot): void
  /** For the status page. */
  status(): object
  /** Before the metrics are pushed for the last time: what was not settled is counted by its estimate. */
  close(): void
}

export function startStored({ provider, clock, log, metrics }: StoredOptions): StoredState {
  const storedKeys = new KeyRing(log)
  const background = new BackgroundBook({
    clock,
    onCounted: (labels, usage, cost) => countUsage(metrics, labels, { usage, cost }),
  })
  return {
    parts: { storedKeys, background },
    apply(snapshot) {
      if (storesResponses(snapshot, provider)) storedKeys.apply(snapshot)
    },
    status: () => ({ storedIds: storedKeys.status(), backgroundResponses: background.size }),
    close: () => background.close(),
  }
}
