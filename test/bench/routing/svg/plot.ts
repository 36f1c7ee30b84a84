import type { Estimate } from '../intervals.ts'

/** How a contestant looks in every plot. */
export interface Look {
  readonly color: string
  /** SVG's stroke-dasharray; empty for a whole line. */
  readonly dash: string
  readonly width: number
}

const ours = { dash: '', width: 3 }
const theirs = { dash: '', width: 1.5 }
const looks: Readonly<Record<string, Look>> = {
  fair: { color: '#c0182b', ...ours },
  // Often the same as the one above, which is seen through its gaps.
  fast: { color: '#f08a24', dash: '7 5', width: 3 },
  pooled: { color: '#777777', dash: '5 4', width: 1.5 },
  'llm-d-default': { color: '#1f4e9c', ...theirs },
  'llm-d-default+priority': { color: '#1f4e9c', dash: '6 3', width: 1.5 },
  'llm-d-optimized-baseline': { color: '#2a9d8f', ...theirs },
  'llm-d-optimized-baseline+priority': { color: '#2a9d8f', dash: '6 3', width: 1.5 },
  'vllm-router-cache-aware': { color: '#8a5cc2', ...theirs },
  'smg-cache-aware': { color: '#8a5cc2', dash: '2 2', width: 1.5 },
  'round-robin': { color: '#a9a9a9', ...theirs },
  'least-in-flight': { color: '#8d6e4f', ...theirs },
  'power-of-two': { color: '#8d6e4f', dash: '2 2', width: 1.5 },
  'consistent-hashing-with-bounded-load': { color: '#a9a9a9', dash: '2 2', width: 1.5 },
}

export function lookOf(name: string): Look {
  return looks[name] ?? { color: '#222222', ...theirs }
}

/** Shorter, for a legend. */
export function titleOf(name: string): string {
  if (name === 'pooled') return 'pooled server (reference)'
  if (name === 'consistent-hashing-with-bounded-load') return 'bounded-load hashing'
  return name
    .replace('llm-d-optimized-baseline', 'llm-d optimized')
    .replace('+priority', ' + priority')
}

/** Where an axis is from and what it counts. */
export interface Axis {
  /** With its unit. */
  readonly title: string
  readonly kind: 'linear' | 'log'
}

/** One point with its interval; `x` is not used in a plot of dots. */
export interface Point extends Estimate {
  readonly x: number
}

export interface Series {
  /** Of the contestant. */
  readonly name: string
  readonly points: readonly Point[]
}

export interface Panel {
  readonly title: string
  readonly series: readonly Series[]
}

export interface Plot {
  readonly title: string
  /** What the points and whiskers are, and which way is better. */
  readonly note: string
  readonly x: Axis
  readonly y: Axis
  readonly panels: readonly Panel[]
}

/** Figures of all points and the finite ends of their intervals, for an axis that panels share. */
export function reachOf(panels: readonly Panel[]): number[] {
  const points = panels.flatMap(({ series }) => series.flatMap((one) => one.points))
  return points.map(({ value }) => value).filter(Number.isFinite)
}
