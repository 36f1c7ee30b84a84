import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parse } from 'yaml'
import { asksForHelp, localHelp, readLocalArguments } from '#deploy/local/arguments.ts'
import { effectiveText } from '#deploy/local/effective.ts'
import { type LineStyle, showLine, showOwn } from '#deploy/local/lines.ts'
import { type Plan, Planner } from '#deploy/local/plan.ts'
import { parseConfig } from '#shared/config/load.ts'
import { allSecrets, readSecrets } from '#shared/config/secrets.ts'

function planned(planner: Planner, text: string, environment: Record<string, string> = {}): Plan {
  const loaded = parseConfig(text, 'outrigger.yaml')
  assert.ok(loaded.ok)
  const { config } = loaded
  return planner.plan({ config, secrets: readSecrets(allSecrets(config), '/', environment) })
}

const pool = (addresses: string) => `
models:
  m: { targets: [{ provider: pool, model: tiny }] }
providers:
  pool: { kind: vllm, replicas: { addresses: [${addresses}] } }
  openai: { kind: openai, credentials: [{ name: main, secret: KEY }] }
`

it('only placeholder addresses become simulated servers', () => {
  const plan = planned(new Planner(4_000), pool('http://127.0.0.1:8001, http://gpu-1:8000'))
  assert.deepEqual(plan.replicas, [{ name: 'pool-1', model: 'tiny', port: 4_300 }])
  assert.deepEqual(plan.providers[0]?.replicas, ['http://127.0.0.1:4300', 'http://gpu-1:8000'])
  const real = planned(new Planner(4_000), pool('http://127.0.0.1:8000'))
  assert.equal(real.providers[0]?.replicas, undefined)
})

it('a provider runs where its credential has a value', () => {
  const text = pool('http://127.0.0.1:8001')
  const without = planned(new Planner(4_000), text)
  assert.equal(without.providers[1]?.disabled, 'KEY is not set')
  const having = planned(new Planner(4_000), text, { KEY: 'k' })
  assert.deepEqual(having.ambassadors, [
    { provider: 'pool', port: 4_100 },
    { provider: 'openai', port: 4_110 },
  ])
})

it('what stays in the file keeps its port', () => {
  const planner = new Planner(5_000)
  planned(planner, pool('http://127.0.0.1:8001, http://127.0.0.1:8002'))
  const plan = planned(planner, pool('http://127.0.0.1:8003, http://127.0.0.1:8002'))
  assert.deepEqual(
    plan.replicas.map(({ port }) => port),
    [5_302, 5_301],
  )
})

it('the effective text differs from the file in addresses and secret files alone', () => {
  const text = `
x: &health { interval: 1s }
providers:
  pool:
    kind: vllm
    replicas: { addresses: [http://127.0.0.1:8001], health: *health }
  other: { kind: openai, credentials: [{ name: main, secret: { file: keys/main } }] }
`
  const plan: Plan = {
    ambassadors: [],
    secrets: { all: [], sidecar: [], ambassadors: {} },
    replicas: [],
    doubles: [],
    providers: [
      {
        name: 'pool',
        address: 'a:1',
        disabled: undefined,
        replicas: ['http://b:2'],
        double: undefined,
      },
      {
        name: 'other',
        address: 'a:2',
        disabled: undefined,
        replicas: undefined,
        double: undefined,
      },
    ],
  }
  assert.deepEqual(parse(effectiveText(text, '/etc/outrigger', plan)), {
    x: { interval: '1s' },
    providers: {
      pool: {
        kind: 'vllm',
        replicas: { addresses: ['http://b:2'], health: { interval: '1s' } },
        address: 'a:1',
      },
      other: {
        kind: 'openai',
        credentials: [{ name: 'main', secret: { file: '/etc/outrigger/keys/main' } }],
        address: 'a:2',
      },
    },
  })
  const plain = '# why\nproviders:\n  other:\n    kind: openai # here\n'
  const changed = effectiveText(plain, '/', { ...plan, providers: plan.providers.slice(1) })
  assert.equal(changed, `${plain}    address: a:2\n`)
})

it('arguments that are no port are refused', () => {
  assert.equal(readLocalArguments(['--port', '4500'], '/').port, 4_500)
  assert.equal(readLocalArguments(['--config', 'a.yaml'], '/x').config, '/x/a.yaml')
  assert.match(readLocalArguments(['--demo-providers'], '/').config, /demo\/demo\.yaml$/)
  assert.throws(() => readLocalArguments(['--port', '65500'], '/'), /not a port from 1 to 65135/)
  assert.throws(() => readLocalArguments(['--prot', '1'], '/'), /--prot/)
})

it('help names every option', () => {
  assert.ok(asksForHelp(['--verbose', '--help']) && asksForHelp(['-h']))
  assert.ok(!asksForHelp(['--verbose']))
  for (const option of ['--config FILE', '--port N', '--demo-providers', '--verbose', '--help']) {
    assert.match(localHelp, new RegExp(`^ {2}${option} `, 'm'))
  }
})

const terminal: LineStyle = { isTerminal: true, hasColour: false, isVerbose: false }
const call = '{"level":"info","msg":"call","status":200,"surface":"/v1/messages","durationMs":4}'
const info = '{"level":"info","time":1,"half":"ambassador","msg":"draining","graceMs":5}'

it('a terminal gets words, and only what matters unless it is verbose', () => {
  assert.equal(
    showLine('sidecar', call, terminal),
    'sidecar    200 /v1/messages  0 in 0 out 4 ms\n',
  )
  assert.equal(showLine('pool', call, terminal), '')
  assert.equal(showLine('pool', info, terminal), '')
  const verbose = { ...terminal, isVerbose: true }
  assert.equal(showLine('pool', info, verbose), 'pool       draining graceMs=5\n')
  assert.equal(showLine('pool', 'words', terminal), 'pool       words\n')
})

it('moves of breakers and targets passed over are told in words', () => {
  const move =
    '{"level":"warn","half":"ambassador","credential":"main","model":"m","from":"closed","to":"open","cause":"in-a-row","last":"status-500","msg":"breaker"}'
  assert.equal(
    showLine('openai', move, terminal),
    'openai     breaker of main for m: closed → open (in-a-row, last: status-500)\n',
  )
  const passed = call.replace('{', '{"passedOver":"openai/m=timeout",')
  assert.match(showLine('sidecar', passed, terminal), /4 ms \(passed over openai\/m=timeout\)\n/)
})

it('a pipe gets JSON lines that name the child, and no colours', () => {
  const piped = { isTerminal: false, hasColour: false, isVerbose: false }
  assert.equal(showLine('sidecar', call, piped), `{"child":"sidecar",${call.slice(1)}\n`)
  assert.equal(showOwn('warn', 'x', piped), '{"child":"local","level":"warn","msg":"x"}\n')
  const coloured = { ...terminal, hasColour: true }
  assert.ok(showOwn('warn', 'x', coloured).includes('\u001b[33mx\u001b[39m'))
})
