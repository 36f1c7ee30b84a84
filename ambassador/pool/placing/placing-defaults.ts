import { signalDefaults } from '../signals/ask-page.ts'
import type { PlacingMeter, PlacingSettings } from './placing.ts'

/** Where nothing is configured; the same as the schema says. */
export const placingDefaults: PlacingSettings = {
  policy: 'fair',
  waiting: { calls: 10_000, tokens: 100_000_000, bytes: 2 ** 30 },
  signals: signalDefaults,
}

/** Nobody counts. */
export const noMeter: PlacingMeter = { placed() {}, cached() {} }
