import type { Clock } from '#shared/call/clock.ts'
import type { Config } from '#shared/config/schema.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { AmbassadorMetrics } from '../telemetry/metrics.ts'
import { LimitJournal } from './journal.ts'
import { JournalFile } from './journal-file.ts'
import { Limiter } from './limiter.ts'
import { MemoryStore } from './memory-store.ts'

export interface LimitsOptions {
  readonly provider: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: AmbassadorMetrics
}

/** The limits of an ambassador's tenants, with their journal and their metrics. */
export interface StartedLimits {
  readonly limiter: Limiter
  apply(config: Config): void
  /** For the status page. */
  status(): object
  close(): Promise<void>
}

export function startLimits({ provider, clock, log, metrics }: LimitsOptions): StartedLimits {
  const store = new MemoryStore()
  const limiter = new Limiter({ provider, store, clock })
  const journal = new LimitJournal({
    store,
    clock,
    provider,
    open: (path) => new JournalFile(path),
    onTrouble: (problem) =>
      problem === undefined
        ? log.warn({}, 'The journal of limits is written again')
        : log.error({ problem }, 'Cannot keep the journal of limits: they count in memory'),
  })
  metrics.limitUsed.collect(() =>
    limiter.readings().map(({ tenant, limit, model, used }) => [[tenant, limit, model], used]),
  )
  metrics.limitAllowed.collect(() =>
    limiter
      .readings()
      .map(({ tenant, limit, model, allowed }) => [[tenant, limit, model], allowed]),
  )
  metrics.tenantCallsInFlight.collect(() =>
    limiter.placesTaken().map(([tenant, calls]) => [[tenant], calls]),
  )
  return {
    limiter,
    apply(config) {
      // First what was used, then what is allowed of it.
      journal.configure(config.ambassador.journal)
      limiter.configure(config)
    },
    status: () => ({ limits: limiter.readings(), journal: journal.state }),
    close: () => journal.close(),
  }
}
