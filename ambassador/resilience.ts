import type { Clock } from '#shared/call/clock.ts'
import type { Provider } from '#shared/config/schema.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { OwnCredentials } from './admission/own-credentials.ts'
import { Turns } from './admission/turns.ts'
import { Breakers } from './breaker/breakers.ts'
import { Outliers, outlierDefaults } from './breaker/outliers.ts'
import { Renewals } from './breaker/renewals.ts'
import type { OutputRatios } from './output-ratios.ts'
import { providerOf } from './provider-of.ts'
import type { LimitShape } from './quota/shape.ts'
import { AsideLog } from './retry/aside-log.ts'
import { RetryBudget } from './retry/retry-budget.ts'
import type { RetryParts } from './retry/retry-parts.ts'
import { attemptUsage, plusUsage } from './settled-usage.ts'
import type { AmbassadorMetrics } from './telemetry/metrics.ts'

export interface ResilienceOptions {
  readonly provider: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: AmbassadorMetrics
  readonly ratios: OutputRatios
  readonly shapeOf: (provider: Provider) => LimitShape
}

/** Credentials and their limits, breakers and retries of one ambassador. */
export interface Resilience {
  readonly parts: RetryParts
  apply(snapshot: Snapshot): void
  /** For the status page. */
  status(): object
  close(): void
}

/** Breakers kept at once: each takes about 2 KiB, and models times credentials are few. */
const breakersMax = 1_024

const stateNumbers = { closed: 0, 'half-open': 1, open: 2 } as const

export function startResilience(options: ResilienceOptions): Resilience {
  const { provider, clock, log, metrics, ratios, shapeOf } = options
  const breakers = new Breakers({
    clock,
    breakersMax,
    onChange({ credential, model }, { from, to, reason }) {
      metrics.breakerChanges.add(1, [provider, credential, model, to, reason.cause])
      log.warn({ credential, model, from, to, ...reason }, 'breaker')
    },
  })
  // Of providers with several base URLs each address has credentials of its own: they are the
  // addresses. A pool watches its replicas in the same way.
  const outliers = new Outliers(clock, outlierDefaults)
  const owners = new OwnCredentials()
  const renewals = new Renewals()
  const aside = new AsideLog(clock, log)
  const turns = new Turns({
    clock,
    shapeOf,
    outliers,
  })
  const dimensions = (key: 'limit' | 'used') =>
    turns.dimensions.flatMap(({ credential, family, dimension, [key]: value }) =>
      value === undefined ? [] : [[[provider, credential, family, dimension], value] as const],
    )
  metrics.providerLimit.collect(() => dimensions('limit'))
  metrics.providerUsed.collect(() => dimensions('used'))
  metrics.breakerState.collect(() =>
    breakers
      .rows()
      .map(({ credential, model, state }) => [[provider, credential, model], stateNumbers[state]]),
  )
  metrics.callsWaiting.collect(() =>
    [...turns.waiting].map(([name, calls]) => [[provider, name], calls]),
  )
  return {
    parts: {
      provider: providerOf,
      credentials: turns,
      breakers,
      budget: new RetryBudget(clock),
      onAttempt(_context, credential, outcome) {
        metrics.attempts.add(1, [provider, credential, outcome.reason])
        aside.note(credential, outcome)
      },
      onSuperseded(context) {
        context.earlier = plusUsage(context.earlier, attemptUsage(context, ratios))
      },
      onGiveUp: (_context, why) => metrics.givenUp.add(1, [provider, why]),
    },
    apply(snapshot) {
      for (const name of renewals.take(owners.of(snapshot, provider))) {
        breakers.renew(name, snapshot.generation)
        outliers.forget(name)
      }
      turns.configure(snapshot, provider)
    },
    status: () => ({
      isReachable: breakers.isReachable,
      breakers: breakers.rows(),
      providerLimits: turns.view,
    }),
    close() {
      turns.close()
      breakers.close()
    },
  }
}
