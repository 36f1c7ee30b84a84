import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dispatchPolicies } from '#shared/config/pool-schema.ts'
import { decisionText, logFile, replayed } from './log-file.ts'

const keys = (count: number, first = 1) => Array.from({ length: count }, (_, at) => first + at)

/** Two conversations of five turns each, three seconds apart, told in the order in which they ended. */
function conversations(): string[] {
  const lines: string[] = []
  for (let turn = 0; turn < 5; turn++) {
    for (const [at, first] of [1, 10_000].entries()) {
      lines.push(decisionText(1_000_000 + turn * 3_000 + at * 700, keys(40 * (turn + 1), first)))
    }
  }
  return lines.toReversed()
}

test('every policy plays the same calls, in the order in which they came', (t) => {
  const access = '{"level":"info","msg":"call","status":200}'
  const path = logFile(t, `${access}\n\n${conversations().join('\n')}\n`)
  const { out, failure } = replayed(path)
  assert.equal(failure, '')
  assert.match(
    out,
    /^10 calls in 12s\.\n2 simulated replicas of 16,000 KV tokens, steps as of 'dynamo'\./,
  )
  const rows = new Map(out.split('\n').map((line) => [line.split(/ {2,}/)[0], line]))
  for (const name of ['observed', ...dispatchPolicies]) assert.ok(rows.has(name), name)
  assert.match(rows.get('observed') ?? '', /observed +100 +100 +100 +100 +100 +100 +0\.0 %/)
  // Of 40, 80, … 200 blocks in each conversation all but the last 40 were there: 800 of 1,200.
  assert.match(rows.get('fair') ?? '', / 66\.7 % /)
  assert.match(rows.get('round-robin') ?? '', / 66\.7 % /)
})

test('a line that was cut or is malformed is told by its number', (t) => {
  const good = decisionText(1_000, keys(10))
  const cases: readonly (readonly [string, RegExp])[] = [
    [`${good}\n${good.slice(0, 300)}`, /line 2 is no line of a log, or was cut\./],
    [`${good}\n${good.slice(200)}\n`, /line 2 was cut\./],
    [`${good}\nhello\n`, /line 2 is no line of a log, or was cut\./],
    [decisionText(1, keys(4), { promptTokens: 'many' }), /line 1 has no usable 'promptTokens'/],
    [decisionText(1, keys(4), { prefix: ['x'] }), /line 1 has no usable 'prefix'/],
    [
      `${good}\n${decisionText(1, keys(4), { blockTokens: 32 })}`,
      /line 2 has blocks of 32 tokens, those before of 16/,
    ],
    [`${good}\n${'x'.repeat(70_000)}`, /line 2 is longer than 64 KiB/],
    ['', /There is no decision with an answer/],
  ]
  for (const [text, expected] of cases) {
    const { out, failure } = replayed(logFile(t, text), '--policy', 'fair')
    assert.equal(out, '')
    assert.match(failure, expected)
  }
})

test('calls without an answer are left out and counted', (t) => {
  const lines = [...conversations(), decisionText(1, keys(4), { outputTokens: undefined })]
  const { out } = replayed(logFile(t, lines.join('\n')), '--policy', 'fast', '--replicas', '1')
  assert.match(out, /^10 calls in 12s; 1 call without an answer left out\.\n1 simulated replica /)
})

test('an option that is not understood says what was meant', (t) => {
  const path = logFile(t, conversations().join('\n'))
  assert.match(replayed(path, '--policy', 'fairy').failure, /Did you mean 'fair'\?/)
  assert.match(replayed(path, '--replicas', '0').failure, /needs a whole number above 0/)
  assert.match(replayed(path, '--nonsense').failure, /See --help/)
  assert.match(replayed().failure, /which file is meant/)
  assert.match(replayed('/nonexistent').failure, /Cannot read '\/nonexistent': ENOENT/)
  assert.match(replayed('--help').out, /^npm run replay -- FILE/)
})

test('a file longer than one piece is read as it was written', (t) => {
  const lines = Array.from({ length: 1_200 }, (_, at) => decisionText(at * 10, keys(120, at * 500)))
  const text = lines.join('\n')
  assert.ok(text.length > 2 ** 20)
  const { out } = replayed(logFile(t, text), '--policy', 'least-in-flight')
  assert.match(out, /^1200 calls in 11s\./)
})
