import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseQuantity } from '#deploy/inject/quantity.ts'
import { readSettings } from '#deploy/inject/read-settings.ts'
import { bounds, defaultSettings, settingsProblems } from '#deploy/inject/settings.ts'
import { settings } from './pods.ts'

const read = (value: unknown, kubernetesVersion?: string) =>
  readSettings(JSON.stringify(value), kubernetesVersion)

test('the image alone is enough, all else has a default', () => {
  const { kubernetesVersion, ...offline } = settings
  assert.deepEqual(read({ image: settings.image }), { ok: true, settings: offline })
  assert.deepEqual(read({ image: settings.image }, kubernetesVersion), {
    ok: true,
    settings,
  })
})

test('what is written replaces its default and nothing else', () => {
  const reading = read({
    image: settings.image,
    userId: 10_001,
    resources: { memoryLimit: '512Mi' },
    excludedNamespaces: ['infra'],
  })
  assert.ok(reading.ok)
  assert.equal(reading.settings.userId, 10_001)
  assert.deepEqual(reading.settings.excludedNamespaces, ['infra'])
  assert.deepEqual(reading.settings.resources, {
    ...defaultSettings.resources,
    memoryLimit: '512Mi',
  })
})

test('every fault is told at once', () => {
  const reading = read({
    imgae: 'x',
    userId: '7',
    command: 'node',
    resources: { memoryLimits: '1Gi', cpuRequest: 1 },
  })
  assert.deepEqual(reading, {
    ok: false,
    problems: [
      'imgae is unknown; did you mean image?',
      'userId must be a whole number',
      'command must be a list of texts',
      'resources.memoryLimits is unknown; did you mean memoryLimit?',
      'resources.cpuRequest must be text such as "96Mi"',
    ],
  })
  for (const text of ['null', '', '{', 'a: b: c']) {
    const problems = ['settings must be an object']
    assert.deepEqual(readSettings(text), { ok: false, problems })
  }
  const low = read({ image: 'a:1', userId: 0, resources: { memoryLimit: '1Mi' } })
  assert.ok(!low.ok)
  assert.equal(low.problems.length, 3)
})

test('the defaults are right, and within what annotations may ask for', () => {
  assert.deepEqual(settingsProblems(settings), [])
  for (const name of ['cpuRequest', 'memoryRequest', 'memoryLimit'] as const) {
    const value = parseQuantity(settings.resources[name]) ?? 0
    assert.ok(value >= (parseQuantity(bounds[name].least) ?? Number.POSITIVE_INFINITY))
    assert.ok(value <= (parseQuantity(bounds[name].most) ?? 0))
  }
})
