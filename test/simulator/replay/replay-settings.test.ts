import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { readSettings, settingsDefault } from '#deploy/simulator/replay/replay-settings.ts'
import { decisionText, logFile, replayed } from './log-file.ts'

const providerOf = (more: string) =>
  `{ kind: vllm, replicas: { addresses: ["http://r:1"] }${more} }`

function configOf(t: TestContext, classes: string, provider = ''): string {
  return logFile(
    t,
    `classes: [${classes}]
tenants: { acme: { weight: 3 }, other: {} }
providers:
  one: ${providerOf(provider)}
`,
  )
}

test('classes, weights, shares and the order of replicas are those of the pool', (t) => {
  const path = configOf(
    t,
    'gold, silver',
    ', queue: { batchPercent: 25 }, dispatch: { priority: true }',
  )
  const settings = readSettings(path, undefined)
  assert.deepEqual(settings, {
    classes: ['gold', 'silver'],
    lowerShare: 0.25,
    weights: new Map([
      ['acme', 3],
      ['other', 1],
    ]),
    isPrioritized: true,
  })
})

test('a configuration that says nothing is as none', (t) => {
  const settings = readSettings(configOf(t, 'interactive, batch'), 'one')
  assert.deepEqual({ ...settings, weights: new Map() }, settingsDefault)
})

test('what goes first in the configuration goes first when it is played again', (t) => {
  // Long prompts of one class, in one throng with short ones of another.
  const lines = Array.from({ length: 120 }, (_, at) => {
    const isLong = at % 2 === 0
    const keys = Array.from({ length: isLong ? 600 : 20 }, (_, block) => at * 1_000 + block)
    return decisionText(1_000 + at, keys, { class: isLong ? 'silver' : 'gold', replicas: 1 })
  })
  const log = logFile(t, lines.join('\n'))
  const meanOf = (classes: string | undefined) => {
    const config = classes === undefined ? [] : ['--config', configOf(t, classes)]
    const { out, failure } = replayed(log, '--policy', 'fair', ...config)
    assert.equal(failure, '')
    assert.equal(out.includes('Taken for the last class'), classes === undefined)
    return Number(/fair +([\d,]+)/.exec(out)?.[1]?.replaceAll(',', ''))
  }
  const [goldFirst, silverFirst] = [meanOf('gold, silver'), meanOf('silver, gold')]
  assert.ok(goldFirst < silverFirst * 0.8, `${goldFirst} ${silverFirst}`)
  assert.ok(meanOf(undefined) > 0)
})

test('a configuration that does not help says why', (t) => {
  const log = logFile(t, decisionText(1, [1, 2, 3]))
  const failureOf = (...more: string[]) => replayed(log, '--policy', 'fair', ...more).failure
  assert.match(failureOf('--config', '/nonexistent'), /Cannot read '\/nonexistent': ENOENT/)
  assert.match(
    failureOf('--config', logFile(t, 'nonsense: 9')),
    /Cannot use '.*': line 1: nonsense/,
  )
  const path = configOf(t, 'interactive')
  assert.match(
    failureOf('--config', path, '--provider', 'two'),
    /Write --provider with one of: one\./,
  )
})
