import type { Clock } from '#shared/call/clock.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { Generation } from '#shared/telemetry/generations.ts'
import {
  type DropReason,
  noTracer,
  type Tracer,
  type Tracing,
  type TracingOptions,
} from '#shared/telemetry/tracing.ts'
import { RunningSwitch } from './running-switch.ts'

interface SwitchParts {
  /** Loads the chunk that knows OpenTelemetry: only where tracing is on. */
  readonly load: () => Promise<(options: TracingOptions) => Promise<Tracing>>
  readonly instance: string
  readonly clock: Clock
  readonly log: Log
  readonly onDropped: (spans: number, reason: DropReason) => void
}

/** The key `traces`, and whose names the spans use. */
interface TracesConfig {
  readonly endpoint: string
  readonly ratio: number
  readonly failures: boolean
  readonly genAi?: Generation
}

/** Turns tracing on, over and off as the configuration says, one change after the other. */
export class TracingSwitch {
  readonly #switch: RunningSwitch<TracesConfig, Tracing>

  constructor({ load, instance, clock, log, onDropped }: SwitchParts) {
    this.#switch = new RunningSwitch({
      async start({
        endpoint: base,
        ratio,
        failures: keepsFailures,
        genAi: generation = 'latest',
      }) {
        const start = await load()
        const endpoint = `${base.replace(/\/$/, '')}/v1/traces`
        const chosen = { endpoint, ratio, keepsFailures, generation }
        const tracing = await start({ ...chosen, instance, clock, onDropped })
        log.info(chosen, 'tracing is on')
        return tracing
      },
      onProblem: (error) =>
        log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'Cannot trace'),
    })
  }

  get tracer(): Tracer {
    return this.#switch.running?.tracer ?? noTracer
  }

  /** Never throws: a call is worth more than its trace. */
  apply(traces: TracesConfig | undefined): void {
    this.#switch.apply(traces)
  }

  stop(): Promise<void> {
    return this.#switch.stop()
  }
}
