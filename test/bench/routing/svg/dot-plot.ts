import { drawing, element, type Svg, words } from './element.ts'
import { isBounded } from './line-plot.ts'
import { lookOf, type Panel, type Plot, reachOf, type Series, titleOf } from './plot.ts'
import { type Scale, scaleOf, shortFigure } from './scale.ts'

const width = 960
const row = 19
const head = 66
const panelHead = 26
const panelFoot = 46
const names = 190
const figures = 52

/** Panels two and two, a row for each series: a dot, its interval, and its figure at the end. */
export function dotPlot(plot: Plot): string {
  const { title, note, panels } = plot
  const columns = panels.length > 1 ? 2 : 1
  const most = Math.max(...panels.map(({ series }) => series.length))
  const panelHeight = panelHead + most * row + panelFoot
  const height = head + Math.ceil(panels.length / columns) * panelHeight
  const panelWidth = width / columns
  const kind = plot.x.kind
  const x = scaleOf({
    kind,
    values: reachOf(panels),
    from: names + 10,
    to: panelWidth - figures - 12,
  })
  const drawn = panels.map((panel, at) => {
    const place = [(at % columns) * panelWidth, head + Math.floor(at / columns) * panelHeight]
    return element('g', { transform: `translate(${place.join(' ')})` }, drawPanel(panel, x, plot))
  })
  return drawing(
    [width, height],
    [
      words(title, [16, 26], { 'font-size': 18, 'font-weight': 'bold' }),
      words(note, [16, 46], { fill: '#555555' }),
      ...drawn,
    ],
  )
}

function drawPanel({ title, series }: Panel, x: Scale, plot: Plot): Svg[] {
  const bottom = panelHead + series.length * row
  const right = x.place(Number.POSITIVE_INFINITY)
  return [
    words(title, [names + 10, 14], { 'font-weight': 'bold' }),
    ...x.ticks.flatMap((tick) => [
      element('path', {
        d: `M${x.place(tick).toFixed(1)} ${panelHead - 4}V${bottom}`,
        stroke: '#e3e3e3',
      }),
      words(shortFigure(tick), [x.place(tick), bottom + 14], { 'text-anchor': 'middle' }),
    ]),
    element('path', {
      d: `M${names + 10} ${panelHead - 4}V${bottom}H${right.toFixed(1)}`,
      fill: 'none',
      stroke: '#444444',
    }),
    words(plot.x.title, [(names + 10 + right) / 2, bottom + 31], { 'text-anchor': 'middle' }),
    ...series.flatMap((one, at) => drawRow(one, x, panelHead + (at + 0.5) * row)),
  ]
}

function drawRow({ name, points }: Series, x: Scale, y: number): Svg[] {
  const { color, width } = lookOf(name)
  const weight = width > 2 ? 'bold' : 'normal'
  const label = words(titleOf(name), [names, y + 4], {
    'text-anchor': 'end',
    'font-weight': weight,
  })
  const [point] = points
  if (point === undefined || !Number.isFinite(point.value)) return [label]
  const line = `M${x.place(point.low).toFixed(1)} ${y}H${x.place(point.high).toFixed(1)}`
  const whisker = element('path', {
    d: line,
    stroke: color,
    'stroke-width': 2,
    'stroke-opacity': 0.6,
  })
  const dot = element('circle', { cx: x.place(point.value), cy: y, r: 4.5, fill: color })
  const right = x.place(Number.POSITIVE_INFINITY) + figures
  const figure = words(shortFigure(point.value), [right, y + 4], {
    'text-anchor': 'end',
    'font-weight': weight,
  })
  return isBounded(point) ? [label, whisker, dot, figure] : [label, dot, figure]
}
