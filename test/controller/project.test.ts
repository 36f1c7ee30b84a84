import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { project, projectionBytesMax } from '#deploy/controller/project.ts'
import { parseConfig } from '#shared/config/load.ts'

const files = ['deploy/local/outrigger.yaml', 'deploy/local/demo/demo.yaml'].map((path) =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'),
)

function projected(text: string, transport: 'tls' | 'plain' = 'plain') {
  const made = project(text, { transport })
  assert.ok(made.ok, JSON.stringify(made))
  return made.projection
}

function parsed(text: string) {
  const loaded = parseConfig(text, 'test')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return loaded.config
}

test('a sidecar routes by the projection as by the whole file', () => {
  for (const file of files) {
    const whole = parsed(file)
    const part = parsed(projected(file).text)
    assert.deepEqual(part.models, whole.models)
    const reach = Object.entries(whole.ambassadors).map(([name, { address, dialects }]) => [
      name,
      { address, dialects },
    ])
    assert.deepEqual({ ...part.ambassadors }, Object.fromEntries(reach))
    const { secret: _own, ...sidecar } = whole.sidecar
    assert.deepEqual(part.sidecar, sidecar)
  }
})

test('nothing that binds or identifies a tenant is in the projection', () => {
  const secretive = `
models: { assistant: { targets: [{ provider: one, model: m }] } }
sidecar: { secret: SIDECAR_SECRET, deadline: 5m }
ambassador:
  identity: { kind: shared-secret, secrets: [{ tenant: acme, secret: ACME_SECRET }] }
providers:
  one:
    kind: openai
    credentials: [{ name: main, secret: ONE_KEY, organization: org-hidden }]
    limits: { requests: 77777 }
    prices: { m: { input: '9.87', output: '6.54' } }
tenants: { acme: { models: [assistant], limits: [{ usd: 31337, per: month }] } }
`
  const { text } = projected(secretive)
  for (const word of [
    'acme',
    'SECRET',
    'ONE_KEY',
    'org-hidden',
    '77777',
    '9.87',
    '31337',
    'tenants',
    'providers',
    'openai',
  ]) {
    assert.ok(!text.includes(word), `'${word}' in ${text}`)
  }
  assert.match(text, /deadline: 5m/)
  assert.match(text, /ambassador-one\.outrigger-system:4100/)
})

test('a projection is its own projection, and the same whatever order providers stand in', () => {
  for (const file of files) {
    const { text } = projected(file)
    assert.equal(projected(text).text, text)
  }
  const provider = (name: string) =>
    `${name}: { kind: vllm, replicas: { addresses: ['http://10.0.0.1:8000'] } }`
  const one = `providers:\n  ${provider('a')}\n  ${provider('b')}\n`
  const other = `providers:\n  ${provider('b')}\n  ${provider('a')}\n`
  assert.equal(projected(one).hash, projected(other).hash)
})

test('anchors and merge keys are resolved: the projection stands alone', () => {
  const { text } = projected(`
models:
  a: &chain { targets: [{ provider: one, model: m }] }
  b: { <<: *chain, fallback: { within: 5s } }
providers: { one: { kind: vllm, replicas: { addresses: ['http://10.0.0.1:8000'] } } }
`)
  assert.doesNotMatch(text, /[&*]|<</)
  assert.equal(parsed(text).models['b']?.fallback.within, 5_000)
})

test('where ambassadors serve TLS the sidecar is told where the authorities are', () => {
  const { text } = projected(files[0] ?? '', 'tls')
  assert.match(text, /tls:\n +ca:\n +file: ca\.crt/)
})

test('a file that is not valid has no projection, and says everything that is wrong', () => {
  const made = project('models: { a: {} }\nproviders: { b: { kind: x } }\n', { transport: 'plain' })
  assert.ok(!made.ok)
  assert.ok(made.problems.length >= 2)
})

/** Models that are `count` times the same, the first of about 5 KiB and all others by alias. */
function repeated(count: number): string {
  const targets = `{ provider: one, model: ${'m'.repeat(190)} }, `.repeat(16)
  const aliases = Array.from({ length: count - 1 }, (_, at) => `  m${at}: *first\n`).join('')
  const providers =
    'providers: { one: { kind: openai, credentials: [{ name: main, secret: KEY }] } }\n'
  return `${providers}models:\n  first: &first { targets: [${targets}] }\n${aliases}`
}

test('what would not fit into a ConfigMap is refused, aliases written out', () => {
  assert.ok(projected(repeated(100)).text.length < projectionBytesMax)
  for (const count of [160, 900]) {
    const made = project(repeated(count), { transport: 'plain' })
    assert.ok(!made.ok)
    assert.match(made.problems[0]?.message ?? '', /must be at most 512KiB, aliases written out/)
  }
})

test('the providers are told with the projection', () => {
  const text =
    'providers:\n  two: { kind: anthropic, credentials: [{ name: main, secret: A }] }\n  one: { kind: openai, credentials: [{ name: main, secret: B }] }\n'
  const made = project(text, { transport: 'tls' })
  assert.deepEqual(made.ok && made.providers, ['one', 'two'])
})
