import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dotPlot } from './dot-plot.ts'
import { drawing, element, words } from './element.ts'
import { linePlot } from './line-plot.ts'
import type { Plot } from './plot.ts'
import { scaleOf, shortFigure } from './scale.ts'

const exact = (x: number, value: number) => ({ x, value, low: value * 0.9, high: value * 1.1 })

const plot: Plot = {
  title: 'Waits & worse',
  note: 'Lower is better',
  x: { title: 'load', kind: 'linear' },
  y: { title: 'seconds (log)', kind: 'log' },
  panels: [
    {
      title: 'One',
      series: [
        { name: 'fair', points: [exact(0.3, 0.2), exact(0.9, 1.5)] },
        { name: 'llm-d-default', points: [exact(0.3, 0.4), exact(0.9, 30)] },
      ],
    },
  ],
}

/** Elements that were opened and not closed, by a stack. */
function unclosed(text: string): string[] {
  const open: string[] = []
  for (const [, slash, name = '', self] of text.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (slash === '/') assert.equal(open.pop(), name)
    else if (self !== '/') open.push(name)
  }
  return open
}

test('a drawing is well formed and has no figure that is none', () => {
  for (const text of [linePlot(plot), dotPlot(plot)]) {
    assert.deepEqual(unclosed(text), [])
    assert.doesNotMatch(text, /NaN|Infinity|undefined/)
  }
})

test('a plot names what it shows: title, axes, every series', () => {
  const text = linePlot(plot)
  for (const word of [
    'Waits &amp; worse',
    'load',
    'seconds (log)',
    'fair',
    'llm-d-default',
    'One',
  ]) {
    assert.ok(text.includes(`>${word}<`), word)
  }
})

test('a point without an interval is drawn without whiskers', () => {
  const low = Number.NEGATIVE_INFINITY
  const high = Number.POSITIVE_INFINITY
  const series = [{ name: 'fair', points: [{ x: 1, value: 2, low, high }] }]
  for (const draw of [linePlot, dotPlot]) {
    const text = draw({ ...plot, panels: [{ title: 'One', series }] })
    assert.doesNotMatch(text, /NaN|Infinity/)
  }
})

test('text and attributes are escaped', () => {
  assert.equal(words('a<b & "c"', [1, 2]), '<text x="1" y="2">a&lt;b &amp; &quot;c&quot;</text>')
  assert.equal(element('g', { id: '"' }), '<g id="&quot;"/>')
  assert.match(
    drawing([10, 20], []),
    /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 10 20"/,
  )
})

test('a scale keeps the order and stays between its ends', () => {
  const figure = fc.double({ min: 1e-3, max: 1e4, noNaN: true })
  const kind = fc.constantFrom('linear' as const, 'log' as const)
  fc.assert(
    fc.property(kind, fc.array(figure, { minLength: 1, maxLength: 8 }), (kind, values) => {
      const scale = scaleOf({ kind, values, from: 0, to: 100 })
      const places = values.toSorted((one, other) => one - other).map((value) => scale.place(value))
      for (const [at, place] of places.entries()) {
        assert.ok(place >= 0 && place <= 100)
        assert.ok(at === 0 || place >= (places[at - 1] ?? 0))
      }
      assert.ok(scale.ticks.length >= 2 && scale.ticks.length <= 13, `${scale.ticks.length} ticks`)
    }),
  )
})

test('figures beside a plot are short', () => {
  assert.deepEqual([0.034_56, 1.234_5, 45.67, 1_234.5].map(shortFigure), [
    '0.035',
    '1.23',
    '45.7',
    '1235',
  ])
  assert.equal(shortFigure(Number.NaN), '–')
})
