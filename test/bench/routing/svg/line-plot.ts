import { drawing, element, type Svg, words } from './element.ts'
import { lookOf, type Panel, type Plot, type Point, reachOf, type Series, titleOf } from './plot.ts'
import { type Scale, scaleOf, shortFigure } from './scale.ts'

const width = 960
const panelHeight = 300
const margin = { left: 62, right: 16, top: 34, bottom: 46 } as const
const head = 62
const legendRow = 20
const legendColumns = 3

/** Panels two and two, x to the right, one line for each series, whiskers for the intervals. */
export function linePlot(plot: Plot): string {
  const { title, note, panels } = plot
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))]
  const legendHeight = Math.ceil(names.length / legendColumns) * legendRow + 12
  const columns = panels.length > 1 ? 2 : 1
  const rows = Math.ceil(panels.length / columns)
  const height = head + legendHeight + rows * panelHeight
  const values = reachOf(panels)
  const drawn = panels.map((panel, at) => {
    const left = ((at % columns) * width) / columns
    const top = head + legendHeight + Math.floor(at / columns) * panelHeight
    const inner = drawPanel(panel, { plot, values, panelWidth: width / columns })
    return element('g', { transform: `translate(${left} ${top})` }, inner)
  })
  return drawing(
    [width, height],
    [
      words(title, [16, 26], { 'font-size': 18, 'font-weight': 'bold' }),
      words(note, [16, 46], { fill: '#555555' }),
      ...legend(names),
      ...drawn,
    ],
  )
}

function legend(names: readonly string[]): Svg[] {
  return names.flatMap((name, at) => {
    const x = 16 + (at % legendColumns) * 310
    const y = head + 8 + Math.floor(at / legendColumns) * legendRow
    return [
      stroke(
        [
          [x, y],
          [x + 28, y],
        ],
        name,
      ),
      words(titleOf(name), [x + 36, y + 4]),
    ]
  })
}

interface Frame {
  readonly plot: Plot
  readonly values: readonly number[]
  readonly panelWidth: number
}

function drawPanel({ title, series }: Panel, { plot, values, panelWidth }: Frame): Svg[] {
  const right = panelWidth - margin.right
  const bottom = panelHeight - margin.bottom
  const xs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))]
  const x = spread(
    xs.toSorted((one, other) => one - other),
    plot,
    [margin.left + 14, right - 14],
  )
  const y = scaleOf({ kind: plot.y.kind, values, from: bottom, to: margin.top })
  const turned = `rotate(-90 14 ${(margin.top + bottom) / 2})`
  return [
    words(title, [margin.left, margin.top - 12], { 'font-weight': 'bold' }),
    ...y.ticks.flatMap((tick) => [
      element('path', {
        d: `M${margin.left} ${y.place(tick).toFixed(1)}H${right}`,
        stroke: '#e3e3e3',
      }),
      words(shortFigure(tick), [margin.left - 6, y.place(tick) + 4], { 'text-anchor': 'end' }),
    ]),
    ...x.ticks.map((tick) =>
      words(shortFigure(tick), [x.place(tick), bottom + 16], { 'text-anchor': 'middle' }),
    ),
    element('path', {
      d: `M${margin.left} ${margin.top}V${bottom}H${right}`,
      fill: 'none',
      stroke: '#444444',
    }),
    words(plot.x.title, [(margin.left + right) / 2, bottom + 34], { 'text-anchor': 'middle' }),
    words(plot.y.title, [14, (margin.top + bottom) / 2], {
      'text-anchor': 'middle',
      transform: turned,
    }),
    ...series.flatMap((one) => drawSeries(one, x, y)),
  ]
}

/** A tick at every figure that was run; by logarithm where the axis says so. */
function spread(xs: readonly number[], { x }: Plot, [from, to]: readonly [number, number]): Scale {
  const at = (value: number) => (x.kind === 'log' ? Math.log(value) : value)
  const low = at(xs[0] ?? 0)
  const span = at(xs.at(-1) ?? 1) - low || 1
  return { ticks: xs, place: (value) => from + ((at(value) - low) / span) * (to - from) }
}

function drawSeries({ name, points }: Series, x: Scale, y: Scale): Svg[] {
  const known = points.filter(({ value }) => Number.isFinite(value))
  const { color, width } = lookOf(name)
  const whiskers = known.filter(isBounded).map((point) => {
    const from = y.place(point.low)
    const to = y.place(point.high)
    const at = x.place(point.x).toFixed(1)
    return element('path', {
      d: `M${at} ${from.toFixed(1)}V${to.toFixed(1)}`,
      stroke: color,
      'stroke-opacity': 0.55,
    })
  })
  const dots = known.map((point) =>
    element('circle', {
      cx: x.place(point.x),
      cy: y.place(point.value),
      r: width > 2 ? 3.5 : 2.5,
      fill: color,
    }),
  )
  const line = stroke(
    known.map((point) => [x.place(point.x), y.place(point.value)]),
    name,
  )
  return [...whiskers, line, ...dots]
}

export function isBounded({ low, high }: Point): boolean {
  return Number.isFinite(low) && Number.isFinite(high) && high > low
}

function stroke(points: readonly (readonly [number, number])[], name: string): Svg {
  const { color, dash, width } = lookOf(name)
  const path = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')
  const attributes = { d: `M${path}`, fill: 'none', stroke: color, 'stroke-width': width }
  return element('path', dash === '' ? attributes : { ...attributes, 'stroke-dasharray': dash })
}
