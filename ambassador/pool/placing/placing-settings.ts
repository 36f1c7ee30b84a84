import type { Clock } from '#shared/call/clock.ts'
import type { VllmProvider } from '#shared/config/schema.ts'
import type { Origins } from '#shared/http/client.ts'
import { signalDefaults } from '../signals/ask-page.ts'
import type { DispatchPolicy } from './desk.ts'
import type { KnowingSettings } from './known-replicas.ts'
import type { Placement } from './placement.ts'
import type { WaitingLimits } from './waiting-calls.ts'

/** How calls are placed, as configured. */
export interface PlacingSettings extends KnowingSettings {
  readonly policy: DispatchPolicy
  readonly waiting: WaitingLimits
}

/** Counts what is placed. */
export interface PlacingMeter {
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
}

/** Where nothing is configured; the same as the schema says. */
export const placingDefaults: PlacingSettings = {
  policy: 'fair',
  waiting: { calls: 10_000, tokens: 100_000_000, bytes: 2 ** 30 },
  signals: signalDefaults,
  tokens: undefined,
}

/** As the file has it. */
export function placingOf({ dispatch, replicas, tokens }: VllmProvider): PlacingSettings {
  const { interval, timeout } = replicas.signals
  return {
    ...dispatch,
    signals: { ...signalDefaults, intervalMs: interval, timeoutMs: timeout },
    tokens,
  }
}

/** Nobody counts. */
export const noMeter: PlacingMeter = { placed() {}, cached() {} }
