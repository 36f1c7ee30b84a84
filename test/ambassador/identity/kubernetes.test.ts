import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Refusal, RefusalLog } from '#ambassador/identity/refusal.ts'
import { VerifiedTokens } from '#ambassador/identity/verified-tokens.ts'
import type { LogFields } from '#shared/telemetry/access-log.ts'
import { manualClock } from '../../manual-clock.ts'
import { claimsAt, sign } from './signing-cluster.ts'
import { clusterKey, logTo, Stage } from './stage.ts'

const tokenOf = (stage: Stage, namespace: string, account: string) =>
  sign(clusterKey, claimsAt(stage.clock.wall(), namespace, account))

test('the entry that names a service account goes before that of its namespace', async () => {
  const stage = new Stage()
  assert.equal((await stage.prove(await tokenOf(stage, 'search', 'billing'))).tenant, 'billing')
  assert.equal((await stage.prove(await tokenOf(stage, 'search', 'worker'))).tenant, 'search')
})

test('a workload that no tenant claims is refused, or the named tenant’s', async () => {
  const strict = new Stage()
  assert.equal(await strict.refusal(await tokenOf(strict, 'lab', 'x')), 'unknown workload')
  const open = new Stage({ unknown: { tenant: 'shop' } })
  const known = await open.prove(await tokenOf(open, 'lab', 'x'))
  assert.deepEqual([known.tenant, known.workload], ['shop', 'lab/x'])
})

test('a workload that may choose names its tenant in a header, and no other', async () => {
  const stage = new Stage()
  const token = await tokenOf(stage, 'edge', 'api')
  const asking = (...tenants: string[]) =>
    tenants.flatMap((tenant) => ['x-outrigger-tenant', tenant])
  assert.equal((await stage.prove(token)).tenant, 'gateway')
  for (const tenant of ['search', 'shop', 'gateway']) {
    assert.equal((await stage.prove(token, asking(tenant))).tenant, tenant)
  }
  for (const tenants of [['billing'], ['Search'], [''], ['search', 'shop'], ['search', 'search']]) {
    assert.equal(await stage.refusal(token, asking(...tenants)), 'tenant')
  }
})

test('a token verified before is known at once, for a minute', async () => {
  const stage = new Stage()
  const token = await stage.token()
  await stage.prove(token)
  assert.ok(!(stage.proveNow(token) instanceof Promise))
  stage.clock.advance(60_000)
  const again = stage.proveNow(token)
  assert.ok(again instanceof Promise)
  assert.equal((await again).tenant, 'search')
})

test('a token refused before is refused at once, for five seconds', async () => {
  const stage = new Stage()
  const token = await stage.token({ aud: ['other'] })
  assert.equal(await stage.refusal(token), 'audience')
  assert.throws(() => stage.proveNow(token), Refusal)
  stage.clock.advance(5_000)
  const again = stage.proveNow(token)
  assert.ok(again instanceof Promise)
  await assert.rejects(again, Refusal)
})

const workload = { namespace: 'a', serviceAccount: 'b', name: 'a/b', pod: undefined }

test('no amount of garbage pushes out a verified token', () => {
  const tokens = new VerifiedTokens()
  tokens.keepVerified('good', workload, 1)
  for (let at = 0; at < 50_000; at++) {
    tokens.keepRefused(`bad ${at}`, new Refusal('signature'), 1)
  }
  assert.equal(tokens.verified('good', 0), workload)
  assert.equal(tokens.refused('bad 48999', 0), undefined)
  assert.equal(tokens.refused('bad 49000', 0)?.reason, 'signature')
})

test('ten thousand verified tokens are kept, the oldest goes first', () => {
  const tokens = new VerifiedTokens()
  for (let at = 0; at < 10_000; at++) tokens.keepVerified(`t${at}`, workload, 1)
  tokens.keepVerified('t0', workload, 1)
  tokens.keepVerified('more', workload, 1)
  assert.equal(tokens.verified('t0', 0), workload)
  assert.equal(tokens.verified('t1', 0), undefined)
  assert.equal(tokens.verified('t2', 0), workload)
})

test('the operator hears of each reason once a minute, with how many were left out', () => {
  const clock = manualClock()
  const lines: LogFields[] = []
  const log = new RefusalLog({ clock, log: logTo(lines) })
  for (let at = 0; at < 100; at++) log.tell(new Refusal('expired', { subject: 'a' }))
  log.tell(new Refusal('signature'))
  clock.advance(60_000)
  log.tell(new Refusal('expired', { subject: 'b' }))
  const msg = 'A caller is not let in'
  assert.deepEqual(lines, [
    { reason: 'expired', unsaid: 0, subject: 'a', msg },
    { reason: 'signature', unsaid: 0, msg },
    { reason: 'expired', unsaid: 99, subject: 'b', msg },
  ])
})

test('the caller hears the same whatever was wrong with its token', () => {
  const words = (['expired', 'signature', 'audience', 'no token'] as const).map((reason) =>
    new Refusal(reason, { subject: 'a' }).toCallError(),
  )
  assert.equal(new Set(words.map(({ message, code }) => `${code} ${message}`)).size, 1)
  assert.equal(new Refusal('mesh').toCallError().row.status, 403)
})

const linkerd = 'serviceaccount.identity.linkerd.cluster.local'

test('where Linkerd names another caller than the token, the call is refused', async () => {
  const stage = new Stage({ mesh: 'linkerd' })
  const token = await stage.token()
  const from = (...clients: string[]) => clients.flatMap((client) => ['l5d-client-id', client])
  assert.equal((await stage.prove(token, from(`api.search.${linkerd}`))).tenant, 'search')
  const others = [
    `api.shop.${linkerd}`,
    `x.search.${linkerd}`,
    `search.api.${linkerd}`,
    '',
    'api.search',
  ]
  for (const other of others) assert.equal(await stage.refusal(token, from(other)), 'mesh')
  assert.equal(await stage.refusal(token), 'mesh')
  const two = from(`api.search.${linkerd}`, `api.search.${linkerd}`)
  assert.equal(await stage.refusal(token, two), 'mesh')
})

const istio = (namespace: string, account: string) =>
  `By=spiffe://td/ns/outrigger-system/sa/ambassador;Hash=00;Subject="";URI=spiffe://td/ns/${namespace}/sa/${account}`

test('where Istio names another caller than the token, the call is refused', async () => {
  const stage = new Stage({ mesh: 'istio' })
  const token = await stage.token()
  const from = (...values: string[]) =>
    values.flatMap((value) => ['x-forwarded-client-cert', value])
  const right = istio('search', 'api')
  const wrong = istio('shop', 'api')
  for (const head of [from(right), from(`${wrong},${right}`), from(wrong, right)]) {
    assert.equal((await stage.prove(token, head)).tenant, 'search')
  }
  const forged = [
    [wrong],
    [`${right},${wrong}`],
    [right, wrong],
    [''],
    [`${right},`],
    [`Subject="x,${right}"`],
    [`Subject="\\",${right}";URI=spiffe://td/ns/shop/sa/api`],
    [`${wrong};URI=spiffe://td/ns/search/sa/api`],
    ['URI=spiffe://td/x/ns/search/sa/api'],
    ['URI=spiffe://td/ns/search/sa/api2'],
    ['URI=https://td/ns/search/sa/api'],
  ]
  for (const values of forged) assert.equal(await stage.refusal(token, from(...values)), 'mesh')
  assert.equal(await stage.refusal(token), 'mesh')
})

test('whatever a caller puts before Envoy’s element, the last one decides', async () => {
  const stage = new Stage({ mesh: 'istio' })
  const token = await stage.token()
  const named = istio('search', 'api')
  const piece = fc.constantFrom('"', '\\', ',', ';', named, named.replace('""', ''), 'URI=', 'x')
  await fc.assert(
    fc.asyncProperty(fc.array(piece), async (pieces) => {
      const value = `${pieces.join('')},${istio('shop', 'api')}`
      const reason = await stage.refusal(token, ['x-forwarded-client-cert', value])
      assert.equal(reason, 'mesh')
    }),
    { numRuns: 1_000, examples: [[[named, ';', '"']]] },
  )
})
