import { resolve } from 'node:path'
import type { Clock } from '#shared/call/clock.ts'
import { classesDefault } from '#shared/config/classes.ts'
import type { VllmProvider } from '#shared/config/schema.ts'
import type { Origins } from '#shared/http/client.ts'
import type { Objectives } from '../admission/objectives.ts'
import type { AdmissionMeter } from '../admission/pool-admission.ts'
import type { DecisionLine } from '../decisions/decision-line.ts'
import { signalDefaults } from '../signals/ask-page.ts'
import type { DispatchPolicy } from './desk.ts'
import type { KnowingSettings } from './known-replicas.ts'
import type { Placement } from './placement.ts'
import type { WaitingLimits } from './waiting-calls.ts'

/** How calls are placed, as configured. */
export interface PlacingSettings extends KnowingSettings {
  readonly policy: DispatchPolicy
  /** Whether replicas are told an order for their own queues. */
  readonly priority: boolean
  readonly waiting: WaitingLimits
  /** What lower classes get of the replicas' time while higher ones wait as well, 0 to below 1. */
  readonly lowerShare: number
  /** What classes are promised. */
  readonly classes: Objectives
  /** Classes by rank, the first goes first. */
  readonly ranks: readonly string[]
  /** Whether each call leaves a line in the log for a simulator. */
  readonly decisions: boolean
}

/** Counts what is placed. */
export interface PlacingMeter extends AdmissionMeter {
  placed(placement: Pick<Placement, 'heldMs' | 'tier'>): void
  /** Prompt tokens of one answer: thought to be cached when it was sent, and found so. */
  cached(predicted: number, reported: number): void
}

export interface PlacingParts {
  readonly clock: Clock
  readonly origins: Origins
  /** Addresses that take calls, in groups: of equals those of an earlier one are preferred. */
  readonly able: () => readonly (readonly string[])[]
  readonly meter: PlacingMeter
  /** Takes a line for each call, where that is asked for. */
  readonly onDecision?: ((line: DecisionLine) => void) | undefined
}

/** Where nothing is configured; the same as the schema says. */
export const placingDefaults: PlacingSettings = {
  policy: 'fair',
  priority: false,
  adapters: {},
  waiting: { calls: 10_000, tokens: 100_000_000, bytes: 2 ** 30 },
  lowerShare: 0.1,
  classes: {},
  ranks: classesDefault,
  decisions: false,
  signals: signalDefaults,
  headers: [],
  tokens: undefined,
}

/**
 * What the provider says, in the configuration of `directory`; `headers` open what `--api-key` guards.
 * Ranks are the platform's.
 */
export function placingOf(
  { dispatch, queue, replicas, tokens }: VllmProvider,
  directory: string,
  headers: readonly string[] = [],
): Omit<PlacingSettings, 'ranks'> {
  const { interval, timeout } = replicas.signals
  const fileAt = (file: string | undefined) =>
    file === undefined ? undefined : resolve(directory, file)
  return {
    ...dispatch,
    lowerShare: queue.batchPercent / 100,
    signals: { ...signalDefaults, intervalMs: interval, timeoutMs: timeout },
    headers,
    tokens: tokens && {
      source: tokens.source,
      tokenizer: fileAt(tokens.tokenizer),
      chatTemplate: fileAt(tokens.chatTemplate),
    },
  }
}

/** Nobody counts. */
export const noMeter: PlacingMeter = {
  placed() {},
  cached() {},
  refused() {},
  forecast() {},
  leftOut() {},
}
