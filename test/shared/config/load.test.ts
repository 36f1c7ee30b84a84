import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { describeProblems, parseConfig } from '#shared/config/load.ts'

const example = readFileSync(
  new URL('../../../deploy/local/outrigger.yaml', import.meta.url),
  'utf8',
)

function problemsOf(text: string) {
  const loaded = parseConfig(text, 'test.yaml')
  return loaded.ok ? [] : loaded.problems
}

function configOf(text: string) {
  const loaded = parseConfig(text, 'test.yaml')
  assert.ok(loaded.ok, loaded.ok ? '' : describeProblems(loaded.problems))
  return loaded.config
}

const wrong = `
models:
  assistant:
    targets: [{ provider: lama-pool, model: x }]
  gpt-4.1: { targets: [] }
  broken: { targets: [{ provider: llama-pool, modl: x }] }
sidecar:
  deadline: 10
  secret: sk-inline-1
  drian: { grace: 1s }
  keepAlive: 80s
  traces: { endpoint: 'http://user:sk-inline-2@host' }
ambassador:
  identity: { kind: shared-secret, secrets: [{ tenant: locl, secret: { fil: sk-inline-3 } }] }
  bodiesMax: 1MiB
  log: { level: inof }
providers:
  llama-pool:
    kind: vllm
    baseUrl: http://x
    replicas: { addresses: [http://a:1, http://a:1/], health: { pth: /x } }
    timeouts: { idle: 5 sec }
  bare: sk-inline-4
  hosted: { kind: opnai }
  keyless: { kind: anthropic }
tenants:
  local: { class: batch, classes: [interactive], models: [asistant] }
tenant: {}
`

test('every problem is reported at once, with path and suggestion', () => {
  const found = problemsOf(wrong).map(({ path, suggestion }) => [path, suggestion])
  assert.deepEqual(found, [
    ['models.assistant.targets[0].provider', 'llama-pool'],
    ['models["gpt-4.1"].targets', undefined],
    ['models.broken.targets[0].modl', 'model'],
    ['models.broken.targets[0].model', undefined],
    ['sidecar.deadline', '10s'],
    ['sidecar.secret', undefined],
    ['sidecar.drian', 'drain'],
    ['sidecar.traces.endpoint', undefined],
    ['ambassador.keepAlive', undefined],
    ['ambassador.identity.secrets[0].secret.fil', 'file'],
    ['ambassador.identity.secrets[0].secret', undefined],
    ['ambassador.bodiesMax', undefined],
    ['ambassador.log.level', 'info'],
    ['providers.llama-pool.baseUrl', undefined],
    ['providers.llama-pool.replicas.health.pth', 'path'],
    ['providers.llama-pool.timeouts.idle', '5s'],
    ['providers.bare', undefined],
    ['providers.hosted.kind', 'openai'],
    ['providers.keyless.credentials', undefined],
    ['tenants.local.models[0]', 'assistant'],
    ['tenants.local.class', undefined],
    ['tenant', 'tenants'],
  ])
})

test('a problem names its line', () => {
  const lines = new Map(problemsOf(wrong).map(({ path, line }) => [path, line]))
  assert.equal(lines.get('sidecar.deadline'), 8)
  assert.equal(lines.get('providers.keyless.credentials'), 25)
})

test('no inline secret is repeated', () => {
  assert.doesNotMatch(JSON.stringify(problemsOf(wrong)), /sk-inline/)
  assert.doesNotMatch(describeProblems(problemsOf(wrong)), /sk-inline/)
})

test('no inline secret is repeated by the YAML parser', () => {
  for (const secret of [
    '*sk-inline',
    '!sk-inline x',
    '"sk-inline',
    'sk-inline: x: y',
    '@sk-inline',
  ]) {
    const problems = problemsOf(`sidecar:\n  secret: ${secret}\n`)
    assert.ok(problems.length > 0, secret)
    assert.doesNotMatch(describeProblems(problems), /sk-inline/)
  }
})

test('a value of any shape in place of a secret is never repeated', () => {
  const shapes = fc.oneof(
    fc.constant('sk-inline'),
    fc.constant(['sk-inline']),
    fc.constant({ file: ['sk-inline'] }),
    fc.constant([{ name: 'main', secret: 'sk-inline' }]),
    fc.constant([{ name: 'sk-inline!', secret: 'KEY' }]),
  )
  const keys = fc.constantFrom('credentials', 'kind-less', 'address', 'baseUrl', 'timeouts')
  fc.assert(
    fc.property(shapes, keys, (value, key) => {
      const providers = { p: { kind: 'openai', [key]: value } }
      assert.doesNotMatch(JSON.stringify(problemsOf(JSON.stringify({ providers }))), /sk-inline/)
    }),
  )
})

test('syntax errors name line and column', () => {
  assert.match(describeProblems(problemsOf('sidecar: {\n')), /test\.yaml:2:1 is not valid YAML/)
  assert.match(describeProblems(problemsOf('models: {}\nmodels: {}\n')), /test\.yaml:2:1 .* unique/)
})

test('an empty file, a list and a second document are refused', () => {
  assert.match(describeProblems(problemsOf('# nothing\n')), /is empty/)
  assert.match(describeProblems(problemsOf('- 1\n')), /must be a map/)
  assert.match(describeProblems(problemsOf('models: {}\n---\nmodels: {}\n')), /multiple documents/)
})

test('an alias bomb and endless nesting are refused', () => {
  const levels = Array.from({ length: 9 }, (_, at) => {
    const inner =
      at === 0
        ? 'x'
        : Array(9)
            .fill(`*a${at - 1}`)
            .join(', ')
    return `a${at}: &a${at} [${inner}]`
  })
  assert.match(describeProblems(problemsOf(levels.join('\n'))), /Excessive alias count/)
  assert.ok(problemsOf('['.repeat(50_000)).length > 0)
})

test('at most 50 problems are listed', () => {
  const keys = Array.from({ length: 80 }, (_, at) => `bogus-${at}: 1`)
  const problems = problemsOf(keys.join('\n'))
  assert.equal(problems.length, 50)
  assert.equal(problems.at(-1)?.message, 'and 31 more problems')
})

test('a name that every object has is not found unless declared', () => {
  assert.equal(configOf('models: {}').models['constructor'], undefined)
  const [problem] = problemsOf('models: { __proto__: { targets: [] } }')
  assert.equal(problem?.path, 'models.__proto__')
})

test('a key without a value is named', () => {
  assert.equal(problemsOf('sidecar:\n  drain:\n')[0]?.path, 'sidecar.drain')
})

test('the example parses', () => {
  const config = configOf(example)
  assert.equal(config.sidecar.deadline, 600_000)
  assert.deepEqual(Object.keys(config.providers), ['llama-pool', 'openai', 'anthropic'])
  assert.deepEqual(config.providers['openai']?.address, ['ambassador-openai.outrigger-system:4100'])
})

test('a byte order mark and carriage returns change nothing', () => {
  const windows = `\uFEFF${example.replaceAll('\n', '\r\n')}`
  assert.deepEqual(configOf(windows), configOf(example))
})

test('defaults follow the kind', () => {
  const { providers } = configOf(`
providers:
  pool: { kind: vllm, replicas: { addresses: ['http://a:1/'] }, address: '[::1]:4100' }
  other: { kind: openai-compatible, baseUrl: https://host/v1/, address: [a:1, b:2] }
`)
  const { pool, other } = providers
  assert.equal(pool?.keepAlive, 4_000)
  assert.deepEqual(pool?.kind === 'vllm' ? pool.replicas.addresses : [], ['http://a:1'])
  const all = ['chat', 'completions', 'embeddings', 'messages', 'responses']
  assert.deepEqual(pool?.dialects, all)
  assert.equal(other?.kind === 'openai-compatible' ? other.baseUrl : '', 'https://host/v1')
  assert.deepEqual(other?.address, ['a:1', 'b:2'])
  assert.deepEqual(other?.dialects, ['chat', 'completions', 'embeddings'])
  assert.equal(other?.keepAlive, 30_000)
})

test('no text makes parsing throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const loaded = parseConfig(text, 'test.yaml')
      assert.ok(loaded.ok || loaded.problems.length > 0)
    }),
  )
})
