import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { toJsonSchema } from '@valibot/to-json-schema'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { parseConfig } from '#shared/config/load.ts'
import { configSchema } from '#shared/config/schema.ts'

const file = new URL('../../../shared/config/outrigger.schema.json', import.meta.url)

/** The published schema: what may be written, so unknown keys are refused there too. */
function generated(): string {
  const schema = toJsonSchema(configSchema, {
    typeMode: 'input',
    target: 'draft-07',
    // Checks without a JSON Schema equivalent, such as whether a URL parses, stay with the parser.
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema, jsonSchema }) =>
      valibotSchema.type === 'object' ? { ...jsonSchema, additionalProperties: false } : undefined,
  })
  const title = 'Outrigger configuration'
  return `${JSON.stringify({ ...schema, title }, null, 2)}\n`
}

if (process.env['UPDATE'] === '1') writeFileSync(file, generated())
const published = readFileSync(file, 'utf8')
const accepts = new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(published))

const example = readFileSync(
  new URL('../../../deploy/local/outrigger.yaml', import.meta.url),
  'utf8',
)

test('the committed JSON Schema is the generated one (UPDATE=1 writes it)', () => {
  assert.equal(published, generated())
})

test('the JSON Schema accepts the example, as the parser does', () => {
  assert.ok(parseConfig(example, 'outrigger.yaml').ok)
  assert.ok(accepts(parse(example)), JSON.stringify(accepts.errors))
})

test('the JSON Schema and the parser refuse the same slips', () => {
  const slips = [
    'sidecar: { deadline: 10 }',
    'sidecar: { drian: { grace: 1s } }',
    'sidecar: { bodyMax: 32Mi }',
    'sidecar: { secret: sk-abc }',
    'providers: { p: { kind: opnai } }',
    'providers: { p: { kind: openai } }',
    'providers: { p: { kind: vllm, baseUrl: "http://x" } }',
    'models: { x: { targets: [] } }',
    'tenants: { x: { class: Fast } }',
    'classes: []',
    'providers: { p: { kind: openai, credential: K, queue: { standard: many } } }',
  ]
  for (const slip of slips) {
    assert.equal(parseConfig(slip, 'slip.yaml').ok, false, slip)
    assert.equal(accepts(parse(slip)), false, slip)
  }
})
