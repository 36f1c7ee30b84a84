import type { Clock } from '#shared/call/clock.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { Generation } from '#shared/telemetry/generations.ts'
import type { Family } from '#shared/telemetry/metric-family.ts'
import type {
  MetricsPush,
  MetricsPushOptions,
  PushFailure,
} from '#shared/telemetry/metrics-push.ts'
import { RunningSwitch } from './running-switch.ts'

interface SwitchParts {
  readonly service: string
  readonly instance: string
  readonly families: readonly Family[]
  readonly clock: Clock
  readonly log: Log
  readonly onFailed: (reason: PushFailure) => void
}

/** The key `metrics`, and whose names the metrics use. Times in ms. */
interface MetricsConfig {
  readonly endpoint: string
  readonly interval: number
  readonly genAi?: Generation
}

/** Pushes metrics by OTLP where the configuration says so; `/metrics` is there all the same. */
export class MetricsSwitch {
  readonly #switch: RunningSwitch<MetricsConfig, MetricsPush>

  constructor({ log, ...parts }: SwitchParts) {
    this.#switch = new RunningSwitch({
      async start({ endpoint: base, interval: intervalMs, genAi: generation = 'latest' }) {
        const chosen = { endpoint: `${base.replace(/\/$/, '')}/v1/metrics`, intervalMs, generation }
        const push = await startPush({ ...parts, ...chosen })
        log.info(chosen, 'metrics are pushed')
        return push
      },
      onProblem: (error) =>
        log.error(
          { error: error instanceof Error ? error.message : 'unknown' },
          'Cannot push metrics',
        ),
    })
  }

  apply(metrics: MetricsConfig | undefined): void {
    this.#switch.apply(metrics)
  }

  stop(): Promise<void> {
    return this.#switch.stop()
  }
}

/** A chunk of its own, which knows OpenTelemetry: loaded only where it is wanted. */
async function startPush(options: MetricsPushOptions): Promise<MetricsPush> {
  const { startMetricsPush } = await import('#shared/telemetry/otel-metrics.ts')
  return startMetricsPush(options)
}
