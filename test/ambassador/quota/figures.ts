import assert from 'node:assert/strict'
import type { RefusalFigures } from './refusals.ts'

export interface Figures {
  readonly sent: number
  readonly refusedInCut: number
  readonly refusedElse: number
  readonly refusedShare: number
  readonly utilisation: number
  /** Largest deviation of a tenant's share from its fair one, relative. */
  readonly unfairness: number
  readonly turnedAway: number
  readonly refusals: RefusalFigures
  readonly waitP50Ms: number
  readonly waitMsMax: number
  readonly longestOverPatienceMs: number
  readonly inFlightLeft: number
}

/** What every provider is held to, at three times its limit. */
export function assertFigures(figures: Figures): void {
  const text = JSON.stringify(figures)
  assert.ok(figures.refusedShare <= 0.005, text)
  assert.ok(figures.utilisation >= 0.97, text)
  assert.ok(figures.unfairness <= 0.05, text)
  // The one timer is set to whole milliseconds at least.
  assert.ok(figures.longestOverPatienceMs <= 1, text)
}

/** What refusals are held to, as parts of calls. */
export const refusalBounds = {
  /** Let wait in vain for all their patience, of all let in. */
  died: 0.08,
  /** Refused at once, of all turned away. */
  atOnce: 0.95,
  /** Refused at once, although their place had come in half of their patience. */
  couldEasily: 0.15,
} as const

/** Who is turned away is so at once, and hardly in error; who is let wait hardly waits in vain. */
export function assertRefusals({ refusals }: Figures): void {
  const text = JSON.stringify(refusals)
  assert.ok(refusals.diedShare <= refusalBounds.died, text)
  assert.ok(refusals.atOnceShare >= refusalBounds.atOnce, text)
  if (refusals.tried > 0) assert.ok(refusals.couldEasilyShare <= refusalBounds.couldEasily, text)
}
