import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const titles = globSync(['test/**/*.test.ts', 'test/pair/complaints/*.ts'], { cwd: root })
  .map((file) => readFileSync(join(root, file), 'utf8'))
  // A title that a table chooses stands in a variable, whose values are in the same file.
  .flatMap((text) => [...text.matchAll(/\b(?:test|it)\(\s*[`'"]([^`'"]*)|'(T\d+)',$/gm)])
  .map(([, title = '', id = '']) => (title === '' ? `${id}: ` : title))

/** Complaints about other gateways, by the numbers of a survey of their issue trackers. */
const gateways = '1 2 3 4 5 6 7 8 9 10 11 12 16 23 24 51 53 55 57 58 59 60 62'.split(' ')

test('every complaint about gateways that is to be held has a test with its number', () => {
  const missing = gateways.filter((id) => !titles.some((title) => title.startsWith(`T${id}: `)))
  assert.deepEqual(missing, [])
})

/** Complaints about routers in front of vLLM: numbers in the first column, the test in the last. */
const poolTable = readFileSync(
  join(root, 'test', 'ambassador', 'pool', 'complaints', 'README.md'),
  'utf8',
)

test('every complaint about routers of pools that the table names has a test with its number', () => {
  const rows = [...poolTable.matchAll(/^\| ([\d, ]+) \|.*\| (.*) \|$/gm)]
  assert.ok(rows.length >= 20)
  const numbers = rows.flatMap(([, ids = '']) => ids.split(', ').map(Number))
  const own = titles
    .filter((title) => title.startsWith('complaint'))
    .flatMap((title) => [...(title.split(':')[0] ?? '').matchAll(/\d+/g)].map(Number))
  const missing = numbers.filter((id) => !own.includes(id))
  // The 26th is held by a test whose title the table quotes.
  assert.deepEqual(missing, [26])
  assert.ok(titles.some((title) => title.startsWith('much new text is encoded by the thread')))
  // Nor does a test have a number that the table has not.
  assert.deepEqual(
    own.filter((id) => !numbers.includes(id)),
    [],
  )
})
