import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { type AccessLine, createLog, type LogLevel } from '#shared/telemetry/access-log.ts'
import { manualClock } from '#test/manual-clock.ts'

const run = promisify(execFile)

function collected(level: LogLevel = 'info') {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { lines, log: createLog({ level, half: 'sidecar', clock: manualClock(), destination }) }
}

const smallest: AccessLine = {
  call: '01',
  surface: 'chat',
  tokensExact: true,
  durationMs: 12,
  status: 200,
  outcome: 'ok',
  attempts: 1,
  bytesIn: 10,
  bytesOut: 20,
  stream: false,
}

const word = fc.string({ unit: 'binary', maxLength: 256 })
const count = fc.nat({ max: 1e9 })
const anyLine = fc.record(
  {
    call: word,
    tenant: word,
    workload: word,
    class: word,
    surface: word,
    dialect: word,
    modelAsked: word,
    modelServed: word,
    provider: word,
    inputTokens: count,
    cachedTokens: count,
    cacheWriteTokens: count,
    outputTokens: count,
    reasoningTokens: count,
    tokensExact: fc.constant(true),
    ttftMs: count,
    durationMs: count,
    status: count,
    outcome: fc.constantFrom('ok', 'client-left', 'failed', 'cut', 'refused'),
    error: word,
    attempts: count,
    bytesIn: count,
    bytesOut: count,
    stream: fc.boolean(),
  },
  {
    requiredKeys: [
      'call',
      'surface',
      'tokensExact',
      'durationMs',
      'status',
      'outcome',
      'attempts',
      'bytesIn',
      'bytesOut',
      'stream',
    ],
  },
)

test('an access line is one line of JSON that says what was given', () => {
  fc.assert(
    fc.property(anyLine, (line) => {
      const { lines, log } = collected()
      log.accessLine(line)
      log.flush()
      assert.equal(lines.length, 1)
      assert.equal(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1)
      const { level, time, half, msg, ...rest } = JSON.parse(lines[0] ?? '')
      assert.deepEqual([level, time, half, msg], ['info', 1_767_225_600_000, 'sidecar', 'call'])
      // A lone surrogate has no UTF-8; JSON writes it as an escape, so that it comes back too.
      assert.deepEqual(rest, { ...line })
    }),
  )
})

test('an estimate is marked on every count', () => {
  const { lines, log } = collected()
  log.accessLine({ ...smallest, tokensExact: false, inputTokens: 1234, outputTokens: 5 })
  log.flush()
  const line = JSON.parse(lines[0] ?? '')
  assert.deepEqual([line.inputTokens, line.outputTokens, line.tokensExact], ['~1234', '~5', false])
})

test('an access line survives figures that JSON does not know', () => {
  const { lines, log } = collected()
  log.accessLine({ ...smallest, ttftMs: Number.NaN, durationMs: 1.2345, inputTokens: Infinity })
  log.flush()
  const line = JSON.parse(lines[0] ?? '')
  assert.deepEqual([line.ttftMs, line.durationMs, line.inputTokens], [undefined, 1.2, undefined])
})

test('strings are cut at 256 characters in every kind of line', () => {
  const { lines, log } = collected()
  const long = 'é"\n'.repeat(1_000)
  log.accessLine({ ...smallest, modelAsked: long })
  log.flush()
  log.error({ word: long, list: [long, 'b'] }, 'Cannot do it: reason')
  const [access, error] = lines.map((line) => JSON.parse(line))
  assert.equal(access.modelAsked, long.slice(0, 256))
  assert.deepEqual([error.word, error.list], [long.slice(0, 256), [long.slice(0, 256), 'b']])
  assert.deepEqual(
    [error.level, error.time, error.half, error.msg],
    ['error', 1_767_225_600_000, 'sidecar', 'Cannot do it: reason'],
  )
  assert(!('pid' in error) && !('hostname' in error))
})

test('a level leaves out what is below it', () => {
  const { lines, log } = collected('warn')
  log.debug({}, 'no')
  log.info({}, 'no')
  log.accessLine(smallest)
  log.flush()
  log.warn({}, 'yes')
  log.error({}, 'yes')
  assert.equal(lines.length, 2)
})

test('lines on standard output appear in order without a flush, and before an exit', async () => {
  const log = new URL('../../../shared/telemetry/access-log.ts', import.meta.url).href
  const clock = new URL('../../../shared/call/clock.ts', import.meta.url).href
  const script = `
    const { createLog } = await import('${log}')
    const { systemClock } = await import('${clock}')
    const log = createLog({ level: 'info', half: 'ambassador', clock: systemClock })
    for (let i = 0; i < 500; i++) {
      log.info({ i }, 'a')
      log.accessLine({ ...${JSON.stringify(smallest)}, attempts: i })
      log.flush()
    }
    process.exit(0)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(lines.length, 1_000)
  assert.deepEqual(
    lines.map((line) => line.i ?? line.attempts),
    lines.map((_, i) => i >> 1),
  )
})
