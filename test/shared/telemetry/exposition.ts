import assert from 'node:assert/strict'

/** One metric family as a scraper sees it. */
export interface ParsedFamily {
  readonly type: string
  readonly help: string
  unit?: string
  readonly samples: { name: string; labels: Record<string, string>; value: number }[]
}

/** Reads an exposition and fails on whatever the formats do not allow. */
export function parseExposition(
  text: string,
  format: 'prometheus' | 'openmetrics',
): Map<string, ParsedFamily> {
  assert(text.endsWith('\n'))
  const lines = text.slice(0, -1).split('\n')
  if (format === 'openmetrics') assert.equal(lines.pop(), '# EOF')
  const families = new Map<string, ParsedFamily>()
  let help: [string, string] | undefined
  let current: [string, ParsedFamily] | undefined
  for (const line of lines) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line) ?? []
    if (word === 'HELP') help = [name, rest]
    else if (word === 'TYPE') {
      assert.equal(help?.[0], name)
      assert(!families.has(name), `family ${name} twice`)
      current = [name, { type: rest, help: help?.[1] ?? '', samples: [] }]
      families.set(...current)
    } else if (word === 'UNIT') {
      assert.equal(current?.[0], name)
      assert(name.endsWith(`_${rest}`))
      if (current !== undefined) current[1].unit = rest
    } else {
      const sample = parseSample(line)
      assert(current !== undefined)
      assert(sample.name.startsWith(current[0]))
      checkSuffix(sample.name.slice(current[0].length), current[1].type, format)
      current[1].samples.push(sample)
    }
  }
  for (const family of families.values()) {
    const keys = family.samples.map(({ name, labels }) => JSON.stringify([name, labels]))
    assert.equal(new Set(keys).size, keys.length, 'a series twice')
  }
  return families
}

function checkSuffix(suffix: string, type: string, format: string): void {
  const counter = format === 'openmetrics' ? '_total' : ''
  const allowed: Record<string, string[]> = {
    counter: [counter],
    gauge: [''],
    histogram: ['_bucket', '_sum', '_count'],
  }
  assert(allowed[type]?.includes(suffix), `suffix "${suffix}" of a ${type}`)
}

function parseSample(line: string) {
  const [, name = '', body, number = ''] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s.exec(line) ?? []
  assert(name !== '', `not a sample: ${line}`)
  const labels: Record<string, string> = {}
  let left = body ?? ''
  while (left !== '') {
    const [whole = '', key = '', value = ''] =
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-z])|$)/.exec(left) ?? []
    assert(whole !== '', `bad labels: ${left}`)
    assert(!(key in labels))
    labels[key] = value.replace(/\\(.)/gs, (_, c) => (c === 'n' ? '\n' : c))
    left = left.slice(whole.length)
  }
  assert.match(number, /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/)
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) }
}
