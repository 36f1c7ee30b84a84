import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PrometheusText, WantedNames } from '#ambassador/pool/signals/prometheus-text.ts'
import { recordedPage } from './pages.ts'

type Told = readonly [name: string, labels: Readonly<Record<string, string>>, value: number]

/** Reads `page`, cut at `cuts`, for `names`; each series with its name, labels and value. */
function read(page: string | Buffer, names: readonly string[], cuts: readonly number[] = []) {
  const told: Told[] = []
  const wanted = new WantedNames(new Map(names.map((name) => [name, name])))
  const text = new PrometheusText(wanted, (name, labels, value) =>
    told.push([name, Object.fromEntries(labels), value]),
  )
  const bytes = Buffer.from(page)
  let start = 0
  for (const cut of [...cuts, bytes.length].toSorted((a, b) => a - b)) {
    text.write(bytes.subarray(start, Math.min(cut, bytes.length)))
    start = Math.max(start, Math.min(cut, bytes.length))
  }
  text.end()
  return { told, faults: text.faults }
}

/** The same by a regular expression over each line: slow, trusting, and another's way. */
function readPlainly(page: string, names: ReadonlySet<string>): Told[] {
  return page.split('\n').flatMap((line): Told[] => {
    const match = /^([^\s{#]+)(?:\{(.*)\})? (\S+)/.exec(line)
    if (match === null || !names.has(match[1] ?? '')) return []
    const labels = [...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
    const entries = labels.map(([, name = '', value = '']): [string, string] => [name, value])
    return [[match[1] ?? '', Object.fromEntries(entries), Number(match[3])]]
  })
}

test('a recorded page gives what a plain reading of each of its lines gives, whatever is wanted', () => {
  const names = new Set(recordedPage.split('\n').flatMap((line) => /^[\w:]+/.exec(line)?.[0] ?? []))
  assert.ok(names.size > 80)
  const { told, faults } = read(recordedPage, [...names])
  assert.deepEqual(told, readPlainly(recordedPage, names))
  assert.equal(faults, 0)
  for (const name of names) {
    assert.deepEqual(read(recordedPage, [name]).told, readPlainly(recordedPage, new Set([name])))
  }
})

test('any split of the bytes gives the same series', () => {
  const names = ['vllm:num_requests_running', 'vllm:cache_config_info', 'vllm:lora_requests_info']
  const whole = read(recordedPage, names)
  assert.equal(whole.told.length, 4)
  fc.assert(
    fc.property(fc.array(fc.nat(recordedPage.length), { maxLength: 40 }), (cuts) => {
      assert.deepEqual(read(recordedPage, names, cuts), whole)
    }),
    { numRuns: 50 },
  )
  const everyByte = Array.from({ length: 3_000 }, (_, at) => at)
  assert.deepEqual(read(recordedPage, names, everyByte), whole)
})

test('labels come back as they were before they were escaped', () => {
  const name = fc.stringMatching(/^[A-Za-z_]\w{0,8}$/).filter((each) => each !== '__proto__')
  const value = fc.string({
    unit: fc.constantFrom('a', '\\', '"', '\n', '}', ',', '=', 'é', '🦙', ' '),
  })
  const escaped = (text: string) =>
    text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 8 }), fc.double(), (labels, number) => {
      const inner = Object.entries(labels).map(([key, each]) => `${key}="${escaped(each)}"`)
      const shown = Number.isFinite(number) ? String(number) : 'NaN'
      const { told } = read(`x{${inner.join(', ')},} ${shown}\n`.replace('{,}', '{}'), ['x'])
      assert.deepEqual(told, [['x', { ...labels }, Number(shown)]])
    }),
    { numRuns: 300 },
  )
})

test('numbers are floats with exponents, NaN and the infinities; timestamps and exemplars are dropped', () => {
  const page = `# EOF comes later
x 1.7952152932186904e+09
x NaN
  x\t+Inf 1395066363000
x{} -Inf
x{a="1"}.5
x -3. # {trace_id="y"} 0.67
x 1E3\r
y 1
# EOF`
  const values = read(page, ['x']).told.map(([, , value]) => value)
  assert.deepEqual(values, [1795215293.2186904, Number.NaN, Infinity, -Infinity, 0.5, -3, 1_000])
})

test('names are whole ones: what only begins like one is another metric', () => {
  const page = 'vllm:x_total 1\nvllm:x_created 1.7e9\nvllm:x 2\nvllm:x_total_bucket{le="1"} 3\n'
  assert.deepEqual(read(page, ['vllm:x_total']).told, [['vllm:x_total', {}, 1]])
})

test('a line that cannot be read is left out and counted; the next one is read', () => {
  const broken = [
    'x{a="1" 1',
    'x{a="1} 1',
    'x{a=1} 1',
    'x{="1"} 1',
    'x{a="1"b="2"} 1',
    'x{a',
    'x{',
    'x',
    'x one',
    'x 0x10',
    'x 1_000',
    `x ${'9'.repeat(65)}`,
    `x{${Array.from({ length: 129 }, (_, at) => `l${at}="v"`).join()}} 1`,
    `x{a="${'v'.repeat(2 ** 16)}"} 1`,
  ]
  const { told, faults } = read(`${broken.join('\n')}\nx 7`, ['x'])
  assert.deepEqual(told, [['x', {}, 7]])
  assert.equal(faults, broken.length)
})

test('a line that is too long is dropped to its end, wherever the bytes are split', () => {
  const page = `${'z'.repeat(200_000)}\nx 1\n${'z'.repeat(2 ** 16 + 1)}`
  const whole = read(page, ['x'])
  assert.deepEqual(whole, { told: [['x', {}, 1]], faults: 2 })
  for (const size of [1_000, 65_536, 199_999, 200_000, 200_001]) {
    const cuts = Array.from({ length: Math.ceil(page.length / size) }, (_, at) => at * size)
    assert.deepEqual(read(page, ['x'], cuts), whole)
  }
})

test('garbage is no series, and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300)), (bytes, cuts) => {
      const lines = Buffer.concat([Buffer.from('x{'), bytes, Buffer.from('\nx 3')])
      const { told } = read(lines, ['x'], cuts)
      assert.deepEqual(told.at(-1), ['x', {}, 3])
    }),
    { numRuns: 200 },
  )
})
