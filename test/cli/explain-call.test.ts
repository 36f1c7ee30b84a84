import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { explainPage } from '#ambassador/pool/decisions/explain-page.ts'
import { commands } from '#deploy/cli/commands.ts'
import { run } from '#deploy/cli/run.ts'
import { systemClock } from '#shared/call/clock.ts'
import { startAdminServer } from '#shared/lifecycle/admin-server.ts'
import { contextOf, deciding } from '../ambassador/pool/decisions/stage.ts'
import { poolCall } from '../ambassador/pool/pool-call.ts'

/** `outrigger …` in this process, with no cluster and no environment. */
async function said(...argv: string[]) {
  let out = ''
  let told = ''
  const exit = await run(argv, commands, {
    write: (text) => {
      out += text
    },
    tell: (text) => {
      told += text
    },
    input: async () => '',
    isColoured: false,
    environment: {},
    clock: systemClock,
  })
  return { exit, out, told }
}

const keys = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

/** The admin port of an ambassador that has placed a call of 62 blocks where 60 of them were. */
async function admin(t: TestContext): Promise<string> {
  const stage = deciding(3)
  stage.submit(poolCall('call-1', keys(60)))
  stage.submit(poolCall('call-2', keys(62)))
  const binding = stage.bound.get('call-2') ?? assert.fail()
  const context = contextOf(stage)
  stage.decisions.placed(binding, { context, heldMs: 0.4, tier: 'full', blockTokens: 16 })
  context.replicasTried.push(binding.member.origin)
  const feedback = { cachedTokens: 960, promptTokens: 992, times: undefined }
  stage.decisions.heard(binding.entry.call, feedback)
  context.firstContentMs = 84
  for (const end of context.atEnd) end()
  const server = await startAdminServer(
    { host: '127.0.0.1', port: 0 },
    { '/explain': (_accept, query) => explainPage(stage.decisions, query) },
  )
  t.after(() => server.close())
  return `127.0.0.1:${server.port}`
}

test('one command tells why a call is where it is, and what the others would have cost', async (t) => {
  const address = await admin(t)
  const { exit, out, told } = await said('explain', 'call', 'call-2', '--admin', address)
  assert.deepEqual([exit, told], [0, ''])
  assert.match(out, /^Call call-2: 992 prompt tokens for 'm', tenant 'acme', interactive\.\n/)
  assert.match(out, /and was placed at once \(0\.4 ms\)/)
  assert.match(
    out,
    /'fast' chose http:\/\/replica-0 for [\d.,]+ ms; http:\/\/replica-\d would have cost/,
  )
  const rows = out.split('\n').filter((line) => line.includes('http://replica-'))
  assert.equal(rows.length, 4)
  assert.match(
    out,
    /REPLICA +MS IN ALL .*OWN PREFILL .*CACHED +ROOM +CALLS\n> +http:\/\/replica-0 .* 960 +yes +1\n/,
  )
  assert.match(
    out,
    /It ended 'ok': first content after 84\.0 ms, 960 of 992 prompt tokens were cached \(960 expected\)\./,
  )
})

test('a machine gets the same as JSON', async (t) => {
  const address = await admin(t)
  const { out } = await said('explain', 'call', 'call-2', '--admin', address, '-o', 'json')
  const { call, decisions } = JSON.parse(out)
  assert.equal(call, 'call-2')
  assert.equal(decisions[0].replica, 'http://replica-0')
  assert.equal(decisions[0].costs.length, 3)
})

test('a call that nobody knows, a port where nobody listens and no id each have their remedy', async (t) => {
  const address = await admin(t)
  const unknown = await said('explain', 'call', 'call-9', '--admin', address)
  assert.equal(unknown.exit, 1)
  assert.match(unknown.told, /No ambassador that was asked knows the call 'call-9'/)
  const nobody = await said('explain', 'call', 'call-9', '--admin', '127.0.0.1:1')
  assert.equal(nobody.exit, 3)
  assert.match(
    nobody.told,
    /Nobody answers at 127\.0\.0\.1:1\.\n {2}Start the pair, name the admin port/,
  )
  assert.equal((await said('explain', 'call', 'a b', '--admin', address)).exit, 2)
})
