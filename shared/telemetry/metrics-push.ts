import type { Clock } from '#shared/call/clock.ts'
import type { Generation } from './generations.ts'
import type { Family } from './metric-family.ts'

/** What an export of metrics is started with. */
export interface MetricsPushOptions {
  /** `service.name`. */
  readonly service: string
  /** Identifies this process among its equals (`service.instance.id`); the pod name. */
  readonly instance: string
  /** Whole URL for OTLP/HTTP metrics, such as `http://collector:4318/v1/metrics`. */
  readonly endpoint: string
  /** From one push to the next, in milliseconds. */
  readonly intervalMs: number
  readonly generation: Generation
  readonly families: readonly Family[]
  readonly clock: Pick<Clock, 'after' | 'wall'>
  readonly onFailed: (reason: PushFailure) => void
}

/** `export-failed`: the collector; `busy`: the push before has not ended. The next one makes up for it. */
export type PushFailure = 'export-failed' | 'busy'

/** A running export of metrics. */
export interface MetricsPush {
  /** Sends once more and ends within three seconds, whatever the collector does. */
  stop(): Promise<void>
}
