import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'

const problemsOf = (config: object) => {
  const loaded = parseConfig(JSON.stringify(config), 'outrigger.yaml')
  return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path} ${message}`)
}

const identified = (identity: object, tenants: object = {}) =>
  problemsOf({ ambassador: { identity: { kind: 'kubernetes', ...identity } }, tenants })

test('Kubernetes as identity needs no key but its kind', () => {
  const loaded = parseConfig('ambassador: { identity: { kind: kubernetes } }', 'outrigger.yaml')
  assert.ok(loaded.ok)
  assert.deepEqual(loaded.config.ambassador.identity, {
    kind: 'kubernetes',
    audience: 'outrigger',
    issuers: [],
    unknown: 'refuse',
    podBound: true,
  })
})

test('two tenants that claim one workload are named both', () => {
  const claimed = (workload: object) => ({ workloads: [workload] })
  const namespace = 'search'
  assert.deepEqual(
    problemsOf({ tenants: { one: claimed({ namespace }), two: claimed({ namespace }) } }),
    ['tenants.two.workloads[0] must be claimed once only: "two" claims it, and so does "one"'],
  )
  const account = { namespace, serviceAccount: 'api' }
  assert.deepEqual(
    problemsOf({ tenants: { one: claimed(account), two: claimed(account) } }).length,
    1,
  )
  assert.deepEqual(problemsOf({ tenants: { one: { workloads: [account, account] } } }), [
    'tenants.one.workloads[1] must be claimed once only: "one" claims it a second time',
  ])
})

test('a namespace and one of its accounts may be different tenants’', () => {
  const one = { workloads: [{ namespace: 'search' }] }
  const two = { workloads: [{ namespace: 'search', serviceAccount: 'api.v2' }] }
  assert.deepEqual(problemsOf({ tenants: { one, two } }), [])
})

test('tenants that are named must be there', () => {
  const found = identified(
    { unknown: { tenant: 'defualt' } },
    { default: { workloads: [{ namespace: 'edge', chooses: ['serach'] }] }, search: {} },
  )
  assert.match(
    found[0] ?? '',
    /^ambassador\.identity\.unknown\.tenant must be a name under tenants/,
  )
  assert.match(
    found[1] ?? '',
    /^tenants\.default\.workloads\[0\]\.chooses\[0\] must be a name under/,
  )
  assert.equal(found.length, 2)
})

const wrong: readonly (readonly [identity: object, path: string])[] = [
  [{ audience: '' }, 'ambassador.identity.audience'],
  [{ audience: 'two words' }, 'ambassador.identity.audience'],
  [{ issuers: ['kubernetes'] }, 'ambassador.identity.issuers[0]'],
  [{ unknown: 'default' }, 'ambassador.identity.unknown'],
  [{ podBound: 'yes' }, 'ambassador.identity.podBound'],
  [{ mesh: 'consul' }, 'ambassador.identity.mesh'],
  [{ secrets: [] }, 'ambassador.identity.secrets'],
]
for (const [identity, path] of wrong) {
  test(`${JSON.stringify(identity)} is refused at ${path}`, () => {
    const found = identified(identity)
    assert.equal(found.length, 1)
    assert.ok(found.join().startsWith(`${path} `), found.join())
  })
}

test('names that no cluster has are refused', () => {
  for (const workload of [{}, { namespace: 'A' }, { namespace: 'a', serviceAccount: 'b:c' }]) {
    assert.equal(problemsOf({ tenants: { one: { workloads: [workload] } } }).length, 1)
  }
})

test('the authorities of ambassadors are named by file and never written into the configuration', () => {
  assert.deepEqual(problemsOf({ sidecar: { tls: { ca: { file: 'ca.crt' } } } }), [])
  const inline = problemsOf({ sidecar: { tls: { ca: '-----BEGIN CERTIFICATE-----' } } })
  assert.equal(inline.length, 1)
  assert.match(inline[0] ?? '', /^sidecar\.tls\.ca must be a map of keys/)
})

test('the tenant that owns a credential must be there; an open ambassador’s one needs no entry', () => {
  const credentials = (tenant: string) => ({
    own: { kind: 'openai', credentials: [{ name: 'theirs', secret: 'KEY', tenant }] },
  })
  const tenants = { search: {} }
  assert.deepEqual(problemsOf({ providers: credentials('search'), tenants }), [])
  assert.deepEqual(problemsOf({ providers: credentials('serach'), tenants }), [
    'providers.own.credentials[0].tenant must be a name under tenants, which has search, default; not "serach"',
  ])
  const identity = { kind: 'open', tenant: 'laptop' }
  assert.deepEqual(
    problemsOf({ providers: credentials('laptop'), tenants, ambassador: { identity } }),
    [],
  )
})
