import type { PageDocument, PageNode } from './dom.ts'

// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.
declare const document: PageDocument

/** Two lines over the same seconds, and the seconds in which something happened. */
export interface Curve {
  readonly mean: readonly (number | null)[]
  readonly most: readonly (number | null)[]
  /** Counts; a mark stands where it is not 0. */
  readonly good: readonly number[]
  readonly bad: readonly number[]
}

/**
 * Draws into `parent`, whose words say what is to be read off: 300 by 48, no axis, the largest value
 * is the top. A second without a value leaves a gap.
 */
export function sparklineIn(parent: PageNode): (curve: Curve) => void {
  const shape = (tag: string, className: string) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag)
    node.setAttribute('class', className)
    return node
  }
  const width = 300
  const height = 48
  const svg = shape('svg', 'spark')
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.setAttribute('aria-hidden', 'true')
  const paths = ['most', 'mean', 'good', 'bad'].map((name) => shape('path', name))
  svg.append(...paths)
  parent.append(svg)
  return ({ mean, most, good, bad }) => {
    const top = Math.max(1, ...most.map((value) => value ?? 0))
    const x = (at: number) => (((at + 0.5) * width) / most.length).toFixed(1)
    const y = (value: number) => (height - 1 - ((height - 8) * value) / top).toFixed(1)
    const stems = most.map((value, at) => (value === null ? '' : `M${x(at)} ${height}V${y(value)}`))
    const dots = mean.map((value, at) => (value === null ? '' : `M${x(at)} ${y(value)}h.01`))
    const marks = (counts: readonly number[]) =>
      counts.map((value, at) => (value === 0 ? '' : `M${x(at)} 0V${height}`)).join('')
    const drawn = [stems.join(''), dots.join(''), marks(good), marks(bad)]
    paths.forEach((path, at) => path.setAttribute('d', drawn[at] ?? ''))
  }
}

/** The last value there is, and the largest. */
export function highlights({ mean, most }: Pick<Curve, 'mean' | 'most'>): {
  readonly last: number | null
  readonly max: number | null
} {
  const known = most.filter((value) => value !== null)
  return {
    last: mean.findLast((value) => value !== null) ?? null,
    max: known.length === 0 ? null : Math.max(...known),
  }
}
