import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse, stringify } from 'yaml'
import { chart } from '#deploy/helm/generate.ts'
import { measuredResources } from '#deploy/inject/settings.ts'
import { parseConfig } from '#shared/config/load.ts'

const examples = join(chart, '..', 'examples')
const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8'))
const written = readFileSync(join(chart, 'values.yaml'), 'utf8')
const ajv = new Ajv({ strict: false, allErrors: true })
const accepts = ajv.compile(schema)
const files = globSync('values-*.yaml', { cwd: examples }).toSorted()
const read = (file: string) => readFileSync(join(examples, file), 'utf8')

/** As Helm checks them: the chart's values under those of the file. */
function complaints(values: object): string {
  const merged: object = { ...parse(written), ...values }
  return accepts(merged) ? '' : ajv.errorsText(accepts.errors)
}

for (const file of files) {
  test(`the schema accepts examples/${file}`, () => {
    assert.equal(complaints(parse(read(file))), '')
  })

  test(`the configuration in examples/${file} is valid`, () => {
    const { config } = parse(read(file))
    const text = typeof config === 'string' ? config : stringify(config)
    const loaded = parseConfig(text, file)
    assert.deepEqual(loaded.ok ? [] : loaded.problems, [])
  })
}

const image = { repository: 'registry.example.com/outrigger', digest: `sha256:${'0'.repeat(64)}` }
const mistakes: readonly [name: string, values: object, named: RegExp][] = [
  ['no image', {}, /image\/digest/],
  ['a tag', { image: { ...image, digest: 'latest' } }, /image\/digest must match/],
  ['a tag in the repository', { image: { ...image, repository: '' } }, /image\/repository/],
  ['a mistyped key', { image, controler: {} }, /additional properties/],
  [
    'a key in clear',
    { image, providers: { openai: { secret: { value: 'sk-1' } } } },
    /openai\/secret must NOT/,
  ],
  ['a mistyped transport', { image, transport: 'mtls' }, /transport must be equal/],
  ['an unknown mesh', { image, mesh: 'consul' }, /mesh must be equal/],
  ["a mesh's own user", { image, inject: { userId: 1337 } }, /inject\/userId/],
  [
    'a bad quantity',
    { image, inject: { resources: { memoryLimit: '256 MB' } } },
    /memoryLimit must match/,
  ],
  ['a bad right', { image, controller: { touch: 'everything' } }, /controller\/touch/],
  ['a provider with a bad name', { image, providers: { Open_AI: {} } }, /property name/],
  ['pods below zero', { image, providers: { openai: { replicas: -1 } } }, /openai\/replicas/],
]
for (const [name, values, named] of mistakes) {
  test(`the schema refuses ${name} and names it`, () => {
    assert.match(complaints(values), named)
  })
}

test('every value that the schema knows stands in values.yaml, and every default fits', () => {
  const missing: string[] = []
  const look = (known: unknown, given: unknown, path: string) => {
    for (const [key, own] of Object.entries(propertiesOf(known))) {
      if (path === '' && ['global', 'config'].includes(key)) continue
      // Left out on purpose, as values.yaml says: measured ones hold, and there is no CPU limit.
      if (path === '.inject.resources' || `${path}.${key}`.endsWith('.limits.cpu')) continue
      const value: unknown = Object(given)[key]
      if (value === undefined) missing.push(`${path}.${key}`)
      else look(own, value, `${path}.${key}`)
    }
  }
  look(schema, parse(written), '')
  assert.deepEqual(missing, [])
  assert.equal(complaints({ image }), '')
})

function propertiesOf(known: unknown): object {
  const { $ref, properties = {} } = Object(known)
  if (typeof $ref !== 'string') return properties
  return schema.definitions[$ref.split('/').at(-1) ?? ''].properties
}

test('values.yaml tells the resources of sidecars as they are', () => {
  for (const [name, quantity] of Object.entries(measuredResources)) {
    assert.ok(written.includes(`  #   ${name}: ${quantity}\n`), name)
  }
})
