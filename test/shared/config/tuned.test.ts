import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseConfig } from '#shared/config/load.ts'
import { tunableKeys } from '#shared/config/tunable-keys.ts'
import { parseTuned } from '#shared/config/tuned.ts'

const platform = {
  where: 'outrigger.yaml',
  text: `
models:
  assistant: { targets: [{ provider: one, model: m }], fallback: { within: 30s } }
sidecar: { deadline: 5m, bodyMax: 1MiB }
ambassadors: { one: { address: 'one:4100', dialects: [chat] } }
`,
}

function tuned(text: string) {
  const { loaded, ignored } = parseTuned(platform, { where: 'own.yaml', text })
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return { config: loaded.config, ignored }
}

function alone() {
  const loaded = parseConfig(platform.text, platform.where)
  assert.ok(loaded.ok)
  return loaded.config
}

test('a tenant sets what the schema marks, and the rest stays the platform’s', () => {
  const { config, ignored } = tuned(
    'sidecar: { deadline: 2m, log: { level: debug } }\nmodels: { assistant: { fallback: { within: 5s, on: [timeout] } } }',
  )
  assert.deepEqual(ignored, [])
  assert.equal(config.sidecar.deadline, 120_000)
  assert.equal(config.sidecar.log.level, 'debug')
  assert.equal(config.sidecar.bodyMax, 2 ** 20)
  const { fallback, targets } = config.models['assistant'] ?? assert.fail()
  assert.equal(fallback.within, 5_000)
  assert.deepEqual(fallback.on, ['timeout'])
  assert.deepEqual(targets, alone().models['assistant']?.targets)
})

test('what is not for a tenant is ignored and named, the rest holds', () => {
  const { config, ignored } = tuned(`
sidecar: { deadline: 1m, bodyMax: 1GiB, tls: { ca: { file: mine.crt } } }
ambassadors: { one: { address: 'evil:4100', dialects: [chat] } }
tenants: { me: {} }
models:
  assistant: { targets: [{ provider: one, model: dear }] }
  mine: { fallback: { within: 1s } }
`)
  assert.deepEqual(
    ignored.map(({ path }) => path),
    [
      'sidecar.bodyMax',
      'sidecar.tls',
      'ambassadors',
      'tenants',
      'models.assistant.targets',
      'models.mine',
    ],
  )
  assert.equal(config.sidecar.deadline, 60_000)
  assert.deepEqual({ ...config, sidecar: 0 }, { ...alone(), sidecar: 0 })
})

test('a wrong value is named and the platform’s holds; the right ones beside it are taken', () => {
  const { config, ignored } = tuned('sidecar: { deadline: soon, attemptsMax: 2, log: loud }')
  assert.deepEqual(
    ignored.map(({ path }) => path),
    ['sidecar.log', 'sidecar.deadline'],
  )
  assert.match(ignored[1]?.message ?? '', /duration|unit/)
  assert.equal(config.sidecar.deadline, 300_000)
  assert.equal(config.sidecar.attemptsMax, 2)
})

test('a file that is no YAML changes nothing and says so', () => {
  for (const text of ['', '{', '- a', 'x'.repeat(2 ** 20 + 1), 'a: &a [*a]']) {
    const { config, ignored } = tuned(text)
    assert.deepEqual(config, alone())
    assert.ok(ignored.length > 0, text.slice(0, 20))
  }
})

test('a bad platform file is refused as without a tenant’s', () => {
  const { loaded } = parseTuned(
    { where: 'x', text: 'models: 1' },
    { where: 'own.yaml', text: 'sidecar: { deadline: 1m }' },
  )
  assert.deepEqual(loaded, parseConfig('models: 1', 'x'))
})

test('whatever a tenant writes, only marked keys differ from the platform’s', () => {
  const key = fc.constantFrom(
    'models',
    'sidecar',
    'ambassadors',
    'assistant',
    'fallback',
    'within',
    'deadline',
    'log',
    'level',
    'targets',
    '__proto__',
    'constructor',
    'one',
    'address',
  )
  const leaf = fc.constantFrom<unknown>('1s', 'debug', 7, null, [], ['timeout'], {})
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof({ maxDepth: 5 }, leaf, fc.dictionary(key, tie('tree'), { maxKeys: 4 })),
  }))
  const marks = tunableKeys.map((path) => path.join('.'))
  fc.assert(
    fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), (own) => {
      const { config } = tuned(JSON.stringify(own))
      for (const path of differences(config, alone())) {
        const name = path.replace(/^models\.[^.]+/, 'models.*')
        assert.ok(
          marks.some((mark) => name === mark || name.startsWith(`${mark}.`)),
          path,
        )
      }
    }),
    { numRuns: 300 },
  )
})

/** Dotted paths at which two plain values differ. */
function differences(one: unknown, other: unknown, path = ''): string[] {
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
  if (!isObject(one) || !isObject(other)) return Object.is(one, other) ? [] : [path]
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...keys].flatMap((key) =>
    differences(
      Reflect.get(one, key),
      Reflect.get(other, key),
      path === '' ? key : `${path}.${key}`,
    ),
  )
}

test('a file above 64 KiB is ignored whole', () => {
  const text = `sidecar: { deadline: 2m }\n#${'x'.repeat(2 ** 16)}\n`
  const { config, ignored } = tuned(text)
  assert.deepEqual(ignored, [{ path: '', message: 'own.yaml must be at most 64KiB' }])
  assert.equal(config.sidecar.deadline, 300_000)
  assert.deepEqual(tuned(text.slice(0, 2 ** 16)).ignored, [])
})
