import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { describeProblems, parseConfig } from '#shared/config/load.ts'
import { readYaml } from '#shared/config/read-yaml.ts'

function problemsOf(text: string) {
  const read = readYaml(text, 'test.yaml')
  return 'problems' in read ? read.problems : []
}

function valueOf(text: string) {
  const read = readYaml(text, 'test.yaml')
  assert.ok(!('problems' in read), JSON.stringify(read))
  return read.value
}

/** Lines of `line(0)`, `line(1)` and so on, as many as fit. */
function filled(line: (at: number) => string, charsMax: number): string {
  const lines: string[] = []
  for (let at = 0, chars = 0; chars + line(at).length < charsMax; at++) {
    lines.push(line(at))
    chars += line(at).length
  }
  return lines.join('')
}

test('a key that stands twice is found at every depth, with both lines', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), fc.boolean(), (depth, isList) => {
      const outer = Array.from({ length: depth }, (_, at) => `${' '.repeat(at)}k${at}:\n`).join('')
      const indent = ' '.repeat(depth)
      const text = isList
        ? `${outer}${indent}list:\n${indent}- same: 1\n${indent}  same: 2\n`
        : `${outer}${indent}same: 1\n${indent}same: 2\n`
      const [problem] = problemsOf(text)
      const line = depth + (isList ? 3 : 2)
      assert.equal(problem?.line, line)
      assert.match(
        problem.message,
        new RegExp(`^test\\.yaml:${line}:\\d+ .* unique, line ${line - 1} has this one$`),
      )
    }),
  )
})

test('equal keys are found in a flow map, in quotes and within an anchored block', () => {
  for (const text of ['{ a: 1, a: 2 }', 'a: 1\n"a": 2', 'x: &x { a: 1, a: 2 }\ny: *x']) {
    assert.match(describeProblems(problemsOf(text)), /must be unique/, text)
  }
})

test('the first five of many equal keys are named, in the order of the file', () => {
  const problems = problemsOf('a: 1\n'.repeat(20))
  assert.deepEqual(
    problems.map(({ line }) => line),
    [2, 3, 4, 5, 6],
  )
})

test('a map merges several, and its own keys go before theirs', () => {
  const text =
    'one: &one { a: 1, b: 1 }\ntwo: &two { c: 2 }\nall:\n  <<: *one\n  <<: *two\n  a: 3\n'
  assert.deepEqual(valueOf(text), {
    one: { a: 1, b: 1 },
    two: { c: 2 },
    all: { a: 3, b: 1, c: 2 },
  })
})

test('a key that is a map, a list or an alias is refused with its line', () => {
  for (const text of ['a: &a x\n? { b: 1 }\n: 2', 'a: &a x\n? [b]\n: 2', 'a: &a x\n*a : 2']) {
    assert.match(describeProblems(problemsOf(text)), /test\.yaml:2:\d+ .* plain texts/, text)
  }
})

test('an alias within what it names, or before it, is refused', () => {
  assert.match(describeProblems(problemsOf('a: &a { b: *a }')), /1:12 .* within what it names/)
  assert.match(describeProblems(problemsOf('a: *b\nc: &b 1')), /1:4 .* Unresolved alias/)
})

test('an anchor named again stands for the later value', () => {
  assert.deepEqual(valueOf('a: &x 1\nb: *x\nc: &x 2\nd: *x'), { a: 1, b: 1, c: 2, d: 2 })
})

test('aliases are bounded by their number and by what they write out', () => {
  const many = `a: &a x\nb: [${'*a, '.repeat(1_000)}]\n`
  assert.match(describeProblems(problemsOf(many)), /at most 1000/)
  const long = `a: &a ${'x'.repeat(500_000)}\nb: [${'*a, '.repeat(9)}]\n`
  assert.match(describeProblems(problemsOf(long)), /written out the file is too large/)
  const some = `a: &a x\nb: [${'*a, '.repeat(900)}]\n`
  assert.deepEqual(problemsOf(some), [])
})

/**
 * Each took minutes by a search among all before it; in linear time each takes one to three seconds. The
 * bound is far from both, for a machine that is busy.
 */
const patienceMs = 20_000

const large: readonly (readonly [name: string, text: string])[] = [
  ['keys', filled((at) => `k${at}:\n`, 2 ** 20)],
  ['models without a value', `models:\n${filled((at) => ` k${at}:\n`, 2 ** 20 - 10)}`],
  [
    'names that nobody declares',
    `tenants: { t: { models: [${filled((at) => `m${at},`, 2 ** 20 - 99)}] } }`,
  ],
  ['anchors and aliases', filled((at) => `k${at}: &a${at} x\nl${at}: *a${at}\n`, 2 ** 20)],
]

for (const [name, text] of large) {
  test(`1 MiB of ${name} is answered`, () => {
    const before = process.cpuUsage()
    const loaded = parseConfig(text, 'test.yaml')
    const { user } = process.cpuUsage(before)
    assert.ok(!loaded.ok && loaded.problems.length > 0)
    assert.ok(user / 1_000 < patienceMs, `${user / 1_000} ms`)
  })
}
