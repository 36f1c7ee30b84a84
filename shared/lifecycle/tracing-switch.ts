import type { Clock } from '#shared/call/clock.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import {
  type DropReason,
  noTracer,
  type Tracer,
  type Tracing,
  type TracingOptions,
} from '#shared/telemetry/tracing.ts'

interface SwitchParts {
  /** Loads the chunk that knows OpenTelemetry: only where tracing is on. */
  readonly load: () => Promise<(options: TracingOptions) => Promise<Tracing>>
  readonly instance: string
  readonly clock: Clock
  readonly log: Log
  readonly onDropped: (spans: number, reason: DropReason) => void
}

interface TracesConfig {
  readonly endpoint: string
  readonly ratio: number
}

/** Turns tracing on, over and off as the configuration says, one change after the other. */
export class TracingSwitch {
  readonly #parts: SwitchParts
  #tracing: Tracing | undefined
  #wanted: string | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: SwitchParts) {
    this.#parts = parts
  }

  get tracer(): Tracer {
    return this.#tracing?.tracer ?? noTracer
  }

  /** Never throws: a call is worth more than its trace. */
  apply(traces: TracesConfig | undefined): void {
    const wanted = traces === undefined ? undefined : `${traces.endpoint} ${traces.ratio}`
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    this.#turn = this.#turn.then(() => this.#change(traces))
  }

  async stop(): Promise<void> {
    this.apply(undefined)
    await this.#turn
  }

  async #change(traces: TracesConfig | undefined): Promise<void> {
    const { load, instance, clock, log, onDropped } = this.#parts
    try {
      const old = this.#tracing
      this.#tracing = undefined
      await old?.stop()
      if (traces === undefined) return
      const start = await load()
      const endpoint = `${traces.endpoint.replace(/\/$/, '')}/v1/traces`
      this.#tracing = await start({ endpoint, ratio: traces.ratio, instance, clock, onDropped })
      log.info({ endpoint, ratio: traces.ratio }, 'tracing is on')
    } catch (error) {
      log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'Cannot trace')
    }
  }
}
