/** Turns figures into places along an axis. */
export interface Scale {
  /** Figures where a line of the grid is, ascending. */
  readonly ticks: readonly number[]
  /** Beyond the ends it is the end. */
  place(value: number): number
}

interface Range {
  readonly kind: 'linear' | 'log'
  /** Figures that must be seen; at least one is finite, and above 0 where the scale is of logarithms. */
  readonly values: readonly number[]
  /** Places of the least and of the greatest. */
  readonly from: number
  readonly to: number
}

export function scaleOf(range: Range): Scale {
  return range.kind === 'log' ? logarithmic(range) : linear(range)
}

/** Starts at 0, where nothing is below. */
function linear({ values, from, to }: Range): Scale {
  const known = values.filter(Number.isFinite)
  const low = Math.min(0, ...known)
  const high = Math.max(...known)
  const step = roundStep((high - low) / 5 || 1)
  const first = Math.floor(low / step)
  const last = Math.ceil(high / step)
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step)
  return { ticks, place: (value) => between((value / step - first) / (last - first), from, to) }
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  const factor = [1, 2, 5, 10].find((one) => one * power >= step * 0.999) ?? 10
  return factor * power
}

/** Goes from a power of ten, or 2 or 5 times one, to another. */
function logarithmic({ values, from, to }: Range): Scale {
  const known = values.filter((value) => Number.isFinite(value) && value > 0)
  const least = Math.min(...known)
  const most = Math.max(...known)
  const powers = Array.from({ length: 24 }, (_, at) => 10 ** (at - 12))
  const steps = powers.flatMap((power) => [power, 2 * power, 5 * power])
  const first = steps.findLast((step) => step <= least) ?? least
  const last = steps.find((step) => step >= most && step > first) ?? most
  const inside = steps.filter((step) => step >= first && step <= last)
  const isLong = inside.length > 9
  const ticks = isLong ? inside.filter((step) => powers.includes(step)) : inside
  const span = Math.log(last / first)
  return {
    ticks,
    place: (value) => between(value > 0 ? Math.log(value / first) / span : 0, from, to),
  }
}

function between(part: number, from: number, to: number): number {
  return from + Math.min(1, Math.max(0, part)) * (to - from)
}

/** A figure on an axis or beside a point: three digits at most. */
export function shortFigure(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return String(Math.round(value))
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)))
}
