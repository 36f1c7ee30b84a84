import type { Config } from '#shared/config/schema.ts'
import type { DrillArguments } from './arguments.ts'
import type { BreakerRow } from './breaker-status.ts'
import type { CallRecord } from './call.ts'
import type { Journal } from './journal.ts'
import type { Opened, OpenSpan } from './probe-watch.ts'
import type { RequestTotals } from './provider-count.ts'

/** What a drill has seen. */
export interface DrillFacts {
  readonly asked: DrillArguments
  /** What was promised. */
  readonly config: Config
  /** The model that was asked for. */
  readonly model: string
  /** When the fault began and ended, in ms since 1970. */
  readonly beganMs: number
  readonly endedMs: number
  /** How long the load had gone on before. */
  readonly beforeMs: number
  /** How long the load went on after the fault. */
  readonly afterMs: number
  readonly records: readonly CallRecord[]
  /** Calls that were due and not sent, since too many were under way. */
  readonly skipped: number
  readonly journal: Journal
  readonly spans: readonly OpenSpan[]
  /** What reached the provider from the beginning of the fault to the first opening of each breaker. */
  readonly opened: readonly Opened[]
  /** The provider’s breakers as its ambassador had them in the end. */
  readonly breakers: readonly BreakerRow[]
  /** Its keys that were not asked in the end. */
  readonly putAside: readonly string[]
  /** Requests at the provider from its start on; undefined where it could not say. */
  readonly count: RequestTotals | undefined
  /** The same at the beginning of the fault. */
  readonly countBefore: RequestTotals | undefined
  readonly unauthorized: number
  /** Calls that waited for room at once, by provider. */
  readonly mostWaiting: ReadonlyMap<string, number>
}

/** A probe is due within the reset; the call that is the probe has to come, and to begin. */
export const probeMs = 2_000

/** Whether the load went on for long enough that a breaker has to be closed again. */
export function hasTimeToRecover({ asked, config, afterMs }: DrillFacts): boolean {
  return afterMs > (config.providers[asked.provider]?.breaker.reset ?? 0) + probeMs
}

/** One line of the report. */
export interface ReportRow {
  /** Stays, whatever the words. */
  readonly id: string
  readonly name: string
  /** From the configuration; empty where it promises nothing, or where this run was too short to see. */
  readonly promised: string
  readonly seen: string
  /** What is promised is judged; all else is told. */
  readonly verdict: 'kept' | 'broken' | 'told'
}

/** What the whole comes to. */
export interface Report {
  readonly drill: string
  readonly provider: string
  readonly model: string
  readonly seconds: number
  readonly rate: number
  readonly rows: readonly ReportRow[]
  readonly isKept: boolean
}
