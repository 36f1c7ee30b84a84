import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const readme = read('README.md')
const part = readme.split('\n## What it costs\n')[1]?.split('\n## ')[0] ?? ''

interface Verdict {
  readonly what: string
  readonly measured: string
  readonly isHit: boolean
}

const { verdicts }: { verdicts: readonly Verdict[] } = JSON.parse(
  read('test/bench/results/verdicts.json'),
)

/** The median, which stands first. */
function medianOf(what: string): number {
  const verdict = verdicts.find((each) => each.what.startsWith(what))
  assert.ok(verdict !== undefined, `${what} was measured`)
  return Number.parseFloat(verdict.measured)
}

/** Whether `shown`, as it stands in the README, is `measured` rounded to as many digits. */
function isRounded(shown: string, measured: number): boolean {
  const digits = shown.split('.')[1]?.length ?? 0
  return Math.abs(Number(shown) - measured) <= 0.5 * 10 ** -digits + 1e-9
}

function assertRounded(cell: string, measured: readonly number[]): void {
  const shown = cell.match(/-?\d+(?:\.\d+)?/g) ?? []
  assert.equal(shown.length, measured.length, cell)
  for (const [at, value] of measured.entries()) {
    assert.ok(isRounded(shown[at] ?? '', value), `${cell}: ${value} was measured`)
  }
}

/** The cells of the README's row that begins with `what`: measured, target. */
function row(what: string): [measured: string, target: string] {
  const line = part.split('\n').find((each) => each.startsWith(`| ${what}`))
  assert.ok(line !== undefined, `'${what}' has a row`)
  const [, measured = '', target = ''] = line.slice(2, -2).split(' | ')
  return [measured, target]
}

const rows: Readonly<Record<string, readonly string[]>> = {
  'unary call': ['unary-0.25k', 'unary-2k', 'unary-40k'].map((name) => `both hops, ${name},`),
  'event, 64 streams': ['both hops, per event'],
  'added latency': ['added latency p50, unary-2k-half', 'added latency p99, unary-2k-half'],
  'a call whose first target': ['ambassador has ended', 'breaker is open'].map(
    (why) => `failing over, the first target’s ${why}`,
  ),
  'sidecar at 2,000 calls/s': [
    'sidecar anonymous memory, 2,000 calls/s after a start',
    'sidecar anonymous memory, at the end of unary-2k-steady',
    'sidecar anonymous memory, at the end of stream-500x20',
  ],
  'sidecar, idle': ['sidecar anonymous memory, idle'],
  'sidecar, start to ready': ['sidecar start to ready, CPU', 'sidecar start to ready, wall'],
  'a healthy provider': ["a healthy provider's p99"],
}

for (const [what, measured] of Object.entries(rows)) {
  test(`what the README says of '${what}' is what was last measured, misses said to be`, () => {
    const [cell, target] = row(what)
    const figures = cell.replace(/, o200k included| above its own before/, '')
    assertRounded(figures, measured.map(medianOf))
    const isHit = (name: string) => verdicts.find((each) => each.what.startsWith(name))?.isHit
    assert.equal(target.includes('missed'), !measured.every(isHit), target)
  })
}

test('what the README says of cancelling is the least and the greatest of all points', () => {
  const p99s = verdicts
    .filter(({ what }) => what.startsWith('cancelling'))
    .map(({ measured }) => Number.parseFloat(measured))
  const [cell] = row("a cancelled call's end")
  assertRounded(cell, [Math.min(...p99s), Math.max(...p99s)])
})

/** The cells of the row of the bench's report that begins with `start`. */
function reported(start: string): readonly string[] {
  const line = read('test/bench/results/README.md')
    .split('\n')
    .find((each) => each.startsWith(`| ${start}`))
  assert.ok(line !== undefined, `'${start}' is in the report`)
  return line.slice(2, -2).split(' | ')
}

/** `0.82 (0.11–2.53)`: the median, the least and the greatest. */
const numbersIn = (cell = '') => (cell.match(/-?[\d.]+/g) ?? []).map(Number)

test('what the README says of limits, retries and waiting is what was last measured', () => {
  const limited = reported('pair, prices, 5 limits of the tenant').at(4)
  assertRounded(row('limits of a tenant')[0], numbersIn(limited))
  const retried = reported('in process, retry, breaker and turn, nothing configured').at(3)
  assertRounded(row('retry, breaker and turn')[0], numbersIn(retried).slice(0, 1))
  const [, sidecar, ambassador] = reported('10000 granted').map(Number)
  assertRounded(row('a call that waits')[0], [ambassador ?? 0, sidecar ?? 0])
})

test('what the README says of two thousand streams is what was last measured', () => {
  const cells = (route: string) => {
    const lines = read('test/bench/results/README.md').split('\n')
    // The trial's table is the last one with these routes.
    const line = lines.findLast((each) => each.startsWith(`| ${route} | `)) ?? ''
    return line.slice(2, -2).split(' | ')
  }
  const spread = (route: string) => {
    const [p99 = '', most = ''] = cells(route).slice(4, 6)
    const [, ...between] = numbersIn(p99)
    return [...between, numbersIn(most)[2] ?? Number.NaN]
  }
  const memory = numbersIn(cells('pair')[8])
  assertRounded(row('2,000 streams')[0], [...spread('pair'), ...spread('bare'), ...memory])
})

test('what the README says of nginx is what was last measured', () => {
  const hops = (load: string) => numbersIn(reported(`${load} | nginx`).at(5))[0] ?? Number.NaN
  const sentence = /costs (.*)\. `npm run slow`/.exec(part)?.[1] ?? ''
  const measured = [
    hops('unary, 2 KB, 16 in flight (per call)'),
    hops('64 streams × 50/s (per event)'),
  ]
  assertRounded(sentence.replace('2 KB', ''), measured)
})

test('what the README says of two hops in a row is what was last measured', () => {
  const table = read('test/bench/results/two-hops.md').split('\n')
  const hops = (load: string, way: string) => {
    const line = table.find((each) => each.startsWith(`| ${load} | ${way} |`)) ?? ''
    return numbersIn(line.split(' | ').at(3))[0] ?? Number.NaN
  }
  const sentence = /^Two bare hops in a row .*/m.exec(part)?.[0] ?? ''
  const figures = sentence.match(/[\d.]+(?= bare hops| for an event)/g) ?? []
  const call = 'unary, 2 KB, 16 in flight (per call)'
  const event = '64 streams × 50/s (per event)'
  assertRounded(figures.join(' '), [
    hops(call, 'two bare hops'),
    hops(event, 'two bare hops'),
    hops(call, 'both halves'),
    hops(event, 'both halves'),
  ])
})

test('what the README says of injection is what was last measured', () => {
  const results = read('test/bench/results/injection.md').split('1 at a time')[1] ?? ''
  const added = (kind: string) =>
    new RegExp(`^\\| ${kind} \\|(.*)\\|$`, 'm').exec(results)?.[1]?.split('|').slice(-2) ?? []
  const [asking, p99] = added('opted in').map(Number)
  const [other] = added('not opted in').map(Number)
  const sentence = /^Injection adds .*/m.exec(readme)?.[0] ?? ''
  const figures = sentence.match(/[\d.]+(?= ms)/g) ?? []
  assertRounded(
    figures.join(' '),
    [asking, p99, other].map((value) => value ?? Number.NaN),
  )
})

test('what the README says of counting is what was last measured', () => {
  const speeds = read('test/bench/results/tokens.md').split('Counts against ours')[0] ?? ''
  const rows = speeds.split('\n').filter((line) => line.endsWith(' × |'))
  assert.equal(rows.length, 10)
  const column = (fromEnd: number) =>
    rows.map((line) => Number.parseFloat(line.split('|').at(-fromEnd) ?? ''))
  const range = (values: readonly number[]) => [Math.min(...values), Math.max(...values)]
  const sentence = /that comes for the first time \|(.*)\|/.exec(part)?.[1] ?? ''
  assertRounded(sentence, [...range(column(4)), ...range(column(3))])
})

test('what the README says of scheduling is the worst of what was last measured', () => {
  const results = read('test/bench/results/quota.md')
  // Ten shapes, each with its worst of five seeds; `All estimates` begins another load.
  const loads = results.split('## All estimates')[0] ?? ''
  const shapes = [...loads.matchAll(/^\| [a-z].*\| (?:hit|\*\*miss\*\*) \|$/gm)].map(([line]) =>
    line.split('|').slice(2, 5).map(Number.parseFloat),
  )
  assert.equal(shapes.length, 10)
  const column = (at: number) => shapes.map((shape) => shape[at] ?? Number.NaN)
  const sentence = /^At three times the limit.*/m.exec(readme)?.[0] ?? ''
  const figures = [/at most ([\d.]+) %/, /at least ([\d.]+) %/, /more than ([\d.]+) %/].map(
    (pattern) => pattern.exec(sentence)?.[1] ?? '',
  )
  const worst = [Math.max(...column(0)), Math.min(...column(1)), Math.max(...column(2))]
  assertRounded(figures.join(' '), worst)
})
