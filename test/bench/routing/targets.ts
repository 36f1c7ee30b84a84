import { type Cell, kvShares, traceCell } from './cells.ts'
import { type Estimate, ratioEstimate } from './intervals.ts'
import { baselines, type Runs } from './runs.ts'

/** `open`: the estimate misses the target and its interval, where there is one, reaches it. */
export type State = 'met' | 'open' | 'missed'

/** One target, and what was measured of it. */
export interface Verdict {
  readonly what: string
  readonly target: string
  readonly measured: string
  readonly state: State
}

/** What a figure has to be; of ratios. */
interface Bound {
  readonly kind: 'at least' | 'at most'
  readonly value: number
}

export function stateOf({ value, low, high }: Estimate, bound: Bound): State {
  if (bound.kind === 'at least') {
    if (value >= bound.value) return 'met'
    return high >= bound.value && Number.isFinite(high) ? 'open' : 'missed'
  }
  if (value <= bound.value) return 'met'
  return low <= bound.value && low > 0 ? 'open' : 'missed'
}

function verdict(what: string, estimate: Estimate, bound: Bound): Verdict[] {
  if (Number.isNaN(estimate.value)) return []
  const target = `${bound.kind === 'at least' ? '≥' : '≤'} ${bound.value}`
  return [{ what, target, measured: showEstimate(estimate), state: stateOf(estimate, bound) }]
}

/** `1.52 (1.40–1.64)`. */
export function showEstimate({ value, low, high }: Estimate): string {
  if (Number.isNaN(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  const isKnown = Number.isFinite(low) && Number.isFinite(high)
  const text = value.toFixed(digits)
  return isKnown ? `${text} (${low.toFixed(digits)}–${high.toFixed(digits)})` : text
}

/** Ours against another router in one cell, by mean time to the first token. */
export interface Comparison {
  readonly cell: Cell
  readonly baseline: string
  /** Which of our settings it is compared with. */
  readonly own: 'fair' | 'fast'
  /** How many times as long the baseline lets callers wait: above 1 we are better. */
  readonly gain: Estimate
}

/** How much longer its largest prompts wait where a baseline is said to starve them. */
const starving = 1.1

/**
 * With every baseline of a cell, at equal fairness: `fair`, unless the baseline lets the largest 1 %
 * wait a tenth longer than it both at the median and at most; that one is compared with `fast`.
 */
export function comparisons(runs: Runs, cell: Cell): Comparison[] {
  return baselines.flatMap((baseline) => {
    const isStarving =
      runs.ratio(cell, 'largeP50', [baseline, 'fair']).value > starving &&
      runs.ratio(cell, 'largeMax', [baseline, 'fair']).value > starving
    const own = isStarving ? 'fast' : 'fair'
    const gain = runs.ratio(cell, 'ttftMean', [baseline, own])
    return Number.isNaN(gain.value) ? [] : [{ cell, baseline, own, gain }]
  })
}

/** The one against which we do worst. */
export function hardest(all: readonly Comparison[]): Comparison | undefined {
  return all.toSorted((one, other) => one.gain.value - other.gain.value)[0]
}

const loadTargets = [
  [0.6, 1.5],
  [0.9, 2],
  [1, 3.5],
] as const

/** The targets that the bench was made for; those without a measurement are left out. */
export function verdicts(runs: Runs): Verdict[] {
  return [
    ...againstDefault(runs),
    ...againstBest(runs),
    ...everywhere(runs),
    ...capacity(runs),
    ...output(runs),
    ...againstPooled(runs),
  ]
}

function againstDefault(runs: Runs): Verdict[] {
  return loadTargets.flatMap(([load, value]) =>
    kvShares.flatMap((share) => {
      const cell = traceCell(share, load)
      const where = `KV ${cell.kv}, load ${load}`
      const gain = runs.ratio(cell, 'ttftMean', ['llm-d-default', 'fair'])
      const largeP50 = runs.ratio(cell, 'largeP50', ['fair', 'llm-d-default'])
      const largeMax = runs.ratio(cell, 'largeMax', ['fair', 'llm-d-default'])
      const most = { kind: 'at most', value: 1 } as const
      return [
        ...verdict(`mean TTFT of llm-d-default ÷ fair, ${where}`, gain, {
          kind: 'at least',
          value,
        }),
        ...verdict(`largest 1 %, median of fair ÷ llm-d-default, ${where}`, largeP50, most),
        ...verdict(`largest 1 %, maximum of fair ÷ llm-d-default, ${where}`, largeMax, most),
      ]
    }),
  )
}

function againstBest(runs: Runs): Verdict[] {
  return kvShares.flatMap((share) => {
    const worst = hardest(comparisons(runs, traceCell(share, 0.9)))
    if (worst === undefined) return []
    const what = `mean TTFT of the best baseline (${worst.baseline}) ÷ ${worst.own}, KV ${share} ×, load 0.9`
    return verdict(what, worst.gain, { kind: 'at least', value: 1.2 })
  })
}

/** How much worse than a baseline we may be in one cell. */
const worstAllowed = 1.1

function everywhere(runs: Runs): Verdict[] {
  const worst = runs.cells.flatMap((cell) => hardest(comparisons(runs, cell)) ?? [])
  if (worst.length === 0) return []
  const states = worst.map(({ gain }) =>
    stateOf(gain, { kind: 'at least', value: 1 / worstAllowed }),
  )
  const count = (wanted: State) => states.filter((state) => state === wanted).length
  const state = count('missed') > 0 ? 'missed' : count('open') > 0 ? 'open' : 'met'
  return [
    {
      what: 'cells in which no baseline is more than 1.1 times better at equal fairness',
      target: `all ${worst.length}`,
      measured: `${count('met')}, and ${count('open')} within the interval`,
      state,
    },
  ]
}

function capacity(runs: Runs): Verdict[] {
  return runs.shares.flatMap((share) => {
    const own = runs.captured(share, 'fair')
    const gains = baselines.map((baseline) => ({
      baseline,
      gain: ratioEstimate(own, runs.captured(share, baseline)),
    }))
    const best = gains.toSorted((one, other) => one.gain.value - other.gain.value)[0]
    if (best === undefined) return []
    const what = `load with p90 TTFT ≤ 2 s, fair ÷ the best baseline (${best.baseline}), KV ${share} ×`
    return verdict(what, best.gain, { kind: 'at least', value: 1.15 })
  })
}

function output(runs: Runs): Verdict[] {
  return (['fair', 'fast'] as const).flatMap((own) => {
    const ratios = runs.cells.flatMap((cell) =>
      baselines.map((baseline) => ({
        cell,
        baseline,
        ratio: runs.ratio(cell, 'outputTokensPerSecond', [own, baseline]),
      })),
    )
    const known = ratios.filter(({ ratio }) => !Number.isNaN(ratio.value))
    const worst = known.toSorted((one, other) => one.ratio.value - other.ratio.value)[0]
    if (worst === undefined) return []
    const what = `output tokens/s of ${own} ÷ the best baseline, worst cell (${worst.cell.id}, ${worst.baseline})`
    return verdict(what, worst.ratio, { kind: 'at least', value: 0.98 })
  })
}

function againstPooled(runs: Runs): Verdict[] {
  return kvShares.flatMap((share) => {
    const ratio = runs.ratio(traceCell(share, 0.9), 'ttftMean', ['fair', 'pooled'])
    return verdict(`mean TTFT of fair ÷ the pooled server, KV ${share} ×, load 0.9`, ratio, {
      kind: 'at most',
      value: 1.5,
    })
  })
}
