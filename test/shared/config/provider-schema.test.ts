import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeProblems, parseConfig } from '#shared/config/load.ts'
import { presetNames, presets } from '#shared/config/presets.ts'
import { allSecrets } from '#shared/config/secrets.ts'

const models = 'models: { m: { targets: [{ provider: p, model: large }] } }'

function providerOf(text: string) {
  const loaded = parseConfig(`${models}\nproviders: { p: ${text} }`, 'test.yaml')
  assert.ok(loaded.ok, loaded.ok ? '' : describeProblems(loaded.problems))
  const provider = loaded.config.providers['p']
  assert.ok(provider !== undefined)
  return provider
}

function problemsOf(text: string, with_ = models): string {
  const loaded = parseConfig(`${with_}\nproviders: { p: ${text} }`, 'test.yaml')
  return loaded.ok ? '' : describeProblems(loaded.problems)
}

test('a preset brings address and dialects, and both may be given', () => {
  for (const name of presetNames) {
    const provider = providerOf(
      `{ kind: openai-compatible, preset: ${name}, credentials: [{ name: a, secret: KEY }] }`,
    )
    assert.ok(provider.kind === 'openai-compatible')
    assert.deepEqual(
      [provider.baseUrl, provider.dialects],
      [presets[name].baseUrl, presets[name].dialects],
    )
  }
  const own = providerOf(
    '{ kind: openai-compatible, preset: groq, baseUrl: http://cache:80/v1/, dialects: [messages] }',
  )
  assert.ok(own.kind === 'openai-compatible')
  assert.deepEqual([own.baseUrl, own.dialects], ['http://cache:80/v1', ['messages']])
})

test('Azure has Responses where its deployments are named in the body', () => {
  const azure = (more: string) =>
    providerOf(
      `{ kind: azure, baseUrl: 'https://n.openai.azure.com', credentials: [{ name: a, secret: A }]${more} }`,
    ).dialects
  const older = ['chat', 'completions', 'embeddings']
  assert.deepEqual(azure(''), [...older, 'responses'])
  assert.deepEqual(azure(', api: deployments'), older)
  assert.deepEqual(azure(', api: deployments, dialects: [responses]'), ['responses'])
})

test('an openai-compatible provider without preset speaks the older dialects of OpenAI', () => {
  const { dialects } = providerOf('{ kind: openai-compatible, baseUrl: http://s/v1 }')
  assert.deepEqual(dialects, ['chat', 'completions', 'embeddings'])
})

test('an address is named or follows from a preset', () => {
  assert.match(problemsOf('{ kind: openai-compatible }'), /p must have a baseUrl or a preset/)
  assert.match(
    problemsOf('{ kind: openai-compatible, preset: grok }'),
    /preset must be one of .*; did you mean "groq"/,
  )
})

test('a preset that refuses calls without a key wants a credential, unless it is elsewhere', () => {
  const none = problemsOf('{ kind: openai-compatible, preset: mistral }')
  assert.match(none, /must name at least one credential: the preset refuses calls without a key/)
  assert.equal(problemsOf('{ kind: openai-compatible, preset: ollama }'), '')
  const elsewhere = '{ kind: openai-compatible, preset: nim, baseUrl: http://nim:8000/v1 }'
  assert.equal(problemsOf(elsewhere), '')
})

test('whether usage is asked for is left to the profile unless the file says', () => {
  const kind = 'kind: openai-compatible, baseUrl: http://s/v1'
  assert.equal(providerOf(`{ ${kind} }`).usage, undefined)
  assert.equal(providerOf(`{ ${kind}, usage: leave }`).usage, 'leave')
})

test('a credential weighs 1 and serves every model unless it says otherwise', () => {
  const { credentials } = providerOf(
    '{ kind: openai, credentials: [{ name: a, secret: KEY }, { name: b, secret: { file: k }, weight: 3, models: [large], baseUrl: https://eu.api.openai.com/v1, organization: org-1, project: proj_1 }] }',
  )
  assert.deepEqual(credentials, [
    { name: 'a', secret: 'KEY', weight: 1, limits: {} },
    {
      name: 'b',
      secret: { file: 'k' },
      weight: 3,
      models: ['large'],
      baseUrl: 'https://eu.api.openai.com/v1',
      organization: 'org-1',
      project: 'proj_1',
      limits: {},
    },
  ])
})

test('a credential has the keys of its kind only', () => {
  const vllm = '{ kind: vllm, replicas: { addresses: [http://a:1] }'
  assert.match(
    problemsOf(`${vllm}, credentials: [{ name: a, secret: KEY, baseUrl: http://x }] }`),
    /credentials\[0\]\.baseUrl is not a known key/,
  )
  assert.match(
    problemsOf('{ kind: anthropic, credentials: [{ name: a, secret: KEY, as: api-key }] }'),
    /credentials\[0\]\.as must be one of x-api-key, bearer/,
  )
  const weight = '{ kind: openai, credentials: [{ name: a, secret: KEY, weight: 0 }] }'
  assert.match(problemsOf(weight), /weight must be at least 1/)
})

const azure = (credential: string, more = '') =>
  `{ kind: azure, baseUrl: https://r.openai.azure.com${more}, credentials: [${credential}] }`

test('the address of an Azure resource may be written with the paths of either surface', () => {
  for (const path of ['', '/', '/openai', '/openai/v1', '/openai/v1/']) {
    const provider = providerOf(azure('{ name: a, secret: KEY }', path))
    assert.ok(provider.kind === 'azure')
    assert.equal(provider.baseUrl, 'https://r.openai.azure.com')
    assert.deepEqual([provider.api, provider.apiVersion], ['v1', undefined])
  }
})

test('an Azure credential is a key, an identity, or an application with its secret', () => {
  assert.equal(problemsOf(azure('{ name: a, entra: {} }')), '')
  const application = '{ name: a, secret: S, entra: { tenantId: t, clientId: c } }'
  assert.equal(problemsOf(azure(application)), '')
  assert.match(problemsOf(azure('{ name: a }')), /credentials\[0\] must have a secret or entra/)
  assert.match(
    problemsOf(azure('{ name: a, secret: S, entra: { clientId: c } }')),
    /credentials\[0\] must have entra\.tenantId and entra\.clientId/,
  )
})

test('tokens are asked for Azure OpenAI unless a scope is named', () => {
  const provider = providerOf(azure('{ name: a, entra: {} }'))
  assert.ok(provider.kind === 'azure')
  assert.equal(
    provider.credentials[0]?.entra?.scope,
    'https://cognitiveservices.azure.com/.default',
  )
})

test('a credential without a secret names none to be read', () => {
  const text = `providers: { p: ${azure('{ name: a, entra: {} }, { name: b, secret: B }')} }`
  const loaded = parseConfig(text, 'test.yaml')
  assert.ok(loaded.ok)
  assert.deepEqual(allSecrets(loaded.config), ['B'])
})

test('names of credentials are used once', () => {
  const text = '{ kind: openai, credentials: [{ name: a, secret: A }, { name: a, secret: B }] }'
  assert.match(problemsOf(text), /credentials\[1\]\.name must be named once only/)
})

test('a credential for a model that no target asks for is reported, with what was meant', () => {
  const key = (more: string) =>
    `{ kind: openai, credentials: [{ name: a, secret: KEY, models: [${more}] }] }`
  assert.equal(problemsOf(key('large')), '')
  assert.match(
    problemsOf(key('large, lareg')),
    /models\[1\] must be a model that a target asks "p" for, not "lareg"; did you mean "large"/,
  )
  assert.match(
    problemsOf(azure('{ name: a, secret: KEY, deployments: { lrge: x } }')),
    /credentials\[0\]\.deployments\.lrge must be a model/,
  )
})

test('which models are asked for is not judged by a file whose models are wrong', () => {
  const broken = 'models: { m: { targets: [{ provider: p, model: large, weight: -1 }] } }'
  const found = problemsOf(
    '{ kind: openai, credentials: [{ name: a, secret: KEY, models: [large] }] }',
    broken,
  )
  assert.doesNotMatch(found, /credentials/)
})
