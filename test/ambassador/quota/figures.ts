import assert from 'node:assert/strict'
import type { Figures } from './simulation.ts'

/** What every provider is held to, at three times its limit. */
export function assertFigures(figures: Figures): void {
  const text = JSON.stringify(figures)
  assert.ok(figures.refusedShare <= 0.005, text)
  assert.ok(figures.utilisation >= 0.97, text)
  assert.ok(figures.unfairness <= 0.05, text)
  // The one timer is set to whole milliseconds at least.
  assert.ok(figures.longestOverPatienceMs <= 1, text)
}
