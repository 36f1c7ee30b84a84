import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { claimsAt, sign, signingKey } from './signing-cluster.ts'
import { clusterKey, refusalOf, Stage } from './stage.ts'

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token of the cluster gives tenant, workload and pod', async () => {
  const stage = new Stage()
  assert.deepEqual(await stage.prove(await stage.token()), {
    tenant: 'search',
    workload: 'search/api',
    pod: { name: 'api-7f9c', uid: 'c3' },
  })
})

for (const algorithm of ['RS256', 'ES384', 'ES512']) {
  test(`a cluster may sign with ${algorithm}`, async () => {
    const key = await signingKey(algorithm)
    const stage = new Stage({}, [key])
    const token = await sign(key, claimsAt(stage.clock.wall()))
    assert.equal((await stage.prove(token)).tenant, 'search')
  })
}

test('a token without signature (alg none) is refused, and nobody is asked for its key', async () => {
  const stage = new Stage()
  await stage.prove(await stage.token())
  const claims = encoded(claimsAt(stage.clock.wall()))
  for (const alg of ['none', 'None', 'NONE', '']) {
    const head = encoded({ alg, kid: 'unheard-of' })
    assert.equal(await stage.refusal(`${head}.${claims}.`), 'algorithm')
    assert.equal(await stage.refusal(`${head}.${claims}.AAAA`), 'algorithm')
  }
  stage.clock.advance(40_000)
  assert.equal(await stage.refusal(`${encoded({ alg: 'none', kid: 'x' })}.${claims}.`), 'algorithm')
  assert.equal(stage.cluster.questions, 1)
})

test('a token signed by HMAC with the public key is refused', async () => {
  const stage = new Stage()
  const signed = `${encoded({ alg: 'HS256', kid: clusterKey.id })}.${encoded(claimsAt(stage.clock.wall()))}`
  for (const secret of [
    clusterKey.pem,
    clusterKey.pem.trim(),
    JSON.stringify(clusterKey.publicJwk),
  ]) {
    const signature = createHmac('sha256', secret).update(signed).digest('base64url')
    assert.equal(await stage.refusal(`${signed}.${signature}`), 'algorithm')
  }
})

test('a symmetric key among those of the cluster is never used', async () => {
  const secret = Buffer.alloc(32, 7)
  const jwk = { kty: 'oct', kid: 'shared', alg: 'HS256', k: secret.toString('base64url') }
  const stage = new Stage({}, [clusterKey, { ...clusterKey, publicJwk: jwk }])
  const signed = `${encoded({ alg: 'HS256', kid: 'shared' })}.${encoded(claimsAt(stage.clock.wall()))}`
  const signature = createHmac('sha256', secret).update(signed).digest('base64url')
  assert.equal(await stage.refusal(`${signed}.${signature}`), 'algorithm')
})

test('a token that another key has signed under the id of a known one is refused', async () => {
  const stage = new Stage()
  const stranger = await signingKey()
  const token = await sign(stranger, claimsAt(stage.clock.wall()), { kid: clusterKey.id })
  assert.equal(await stage.refusal(token), 'signature')
})

test('a key that the token brings along is not used', async () => {
  const stage = new Stage()
  const stranger = await signingKey()
  const brought = { kid: clusterKey.id, jwk: stranger.publicJwk, jku: 'https://evil/jwks' }
  const token = await sign(stranger, claimsAt(stage.clock.wall()), brought)
  assert.equal(await stage.refusal(token), 'signature')
})

test('a token whose claims were changed is refused', async () => {
  const stage = new Stage()
  const [head = '', , signature = ''] = (await stage.token()).split('.')
  const claims = encoded(claimsAt(stage.clock.wall(), 'shop'))
  assert.equal(await stage.refusal(`${head}.${claims}.${signature}`), 'signature')
})

test('a token for another audience is refused', async () => {
  const stage = new Stage()
  const others = [['other'], 'other', [], ['outrigger2'], ['Outrigger'], 'outrigge']
  for (const aud of others)
    assert.equal(await stage.refusal(await stage.token({ aud })), 'audience')
})

test('a token for the API server is refused', async () => {
  const stage = new Stage()
  const token = await stage.token({ aud: ['https://kubernetes.default.svc.cluster.local'] })
  assert.equal(await stage.refusal(token), 'audience')
})

test('a token for several audiences is refused, ours among them or not', async () => {
  const stage = new Stage()
  const api = 'https://kubernetes.default.svc.cluster.local'
  for (const aud of [
    ['outrigger', api],
    [api, 'outrigger'],
    ['outrigger', 'outrigger'],
  ]) {
    assert.equal(await stage.refusal(await stage.token({ aud })), 'several audiences')
  }
})

test('the audience of the configuration counts and no other', async () => {
  const stage = new Stage({ audience: 'models' })
  assert.equal(await stage.refusal(await stage.token()), 'audience')
  assert.equal((await stage.prove(await stage.token({ aud: ['models'] }))).tenant, 'search')
})

test('an expired token is refused, ten seconds of difference between clocks allowed', async () => {
  const stage = new Stage()
  const seconds = Math.floor(stage.clock.wall() / 1_000)
  assert.equal(await stage.refusal(await stage.token({ exp: seconds - 10 })), 'expired')
  assert.equal((await stage.prove(await stage.token({ exp: seconds - 9 }))).tenant, 'search')
})

test('a token expires although it was verified before', async () => {
  const stage = new Stage()
  const seconds = Math.floor(stage.clock.wall() / 1_000)
  const token = await stage.token({ exp: seconds + 30 })
  await stage.prove(token)
  stage.clock.advance(29_000)
  assert.ok(!(stage.proveNow(token) instanceof Promise))
  stage.clock.advance(12_000)
  assert.equal(await stage.refusal(token), 'expired')
})

test('a token that is not yet valid is refused', async () => {
  const stage = new Stage()
  const seconds = Math.floor(stage.clock.wall() / 1_000)
  assert.equal(await stage.refusal(await stage.token({ nbf: seconds + 11 })), 'not yet valid')
  assert.equal((await stage.prove(await stage.token({ nbf: seconds + 10 }))).tenant, 'search')
})

test('a token that never ends is refused', async () => {
  const stage = new Stage()
  for (const exp of [undefined, null, '9999999999', {}]) {
    assert.equal(await stage.refusal(await stage.token({ exp })), 'claims')
  }
})

test('a token of another issuer is refused, however alike', async () => {
  const stage = new Stage()
  const right = stage.cluster.issuer
  const others = [`${right}/`, right.toUpperCase(), right.replace('https', 'http'), '', undefined]
  for (const iss of [...others, 'https://evil', [right]]) {
    const reason = await stage.refusal(await stage.token({ iss }))
    assert.equal(reason, 'issuer', String(iss))
  }
})

test('configured issuers count in the place of the API server’s own', async () => {
  const stage = new Stage({ issuers: ['https://old', 'https://new'] })
  for (const iss of ['https://old', 'https://new']) {
    assert.equal((await stage.prove(await stage.token({ iss }))).tenant, 'search')
  }
  assert.equal(await stage.refusal(await stage.token()), 'issuer')
  assert.deepEqual(new Set(stage.cluster.asked), new Set(['/openid/v1/jwks']))
})

const inner = claimsAt(0)['kubernetes.io']
const subjects = {
  'names another namespace': 'system:serviceaccount:shop:api',
  'names another account': 'system:serviceaccount:search:billing',
  'has a part more': 'system:serviceaccount:search:api:x',
  'has a part less': 'system:serviceaccount:search',
  'is of a person': 'system:user:search:api',
  'is of a node': 'system:node:node-1',
  'is empty': '',
}
for (const [what, sub] of Object.entries(subjects)) {
  test(`a token whose subject ${what} is refused`, async () => {
    const stage = new Stage()
    assert.equal(await stage.refusal(await stage.token({ sub })), 'subject')
  })
}

test('a token whose nested claims name another workload than its subject is refused', async () => {
  const stage = new Stage()
  const others = [
    { ...inner, namespace: 'shop' },
    { ...inner, serviceaccount: { name: 'billing', uid: 'b2' } },
  ]
  for (const other of others) {
    const token = await stage.token({ 'kubernetes.io': other })
    assert.equal(await stage.refusal(token), 'subject')
  }
  for (const other of [undefined, {}, 'search', { ...inner, namespace: ['search'] }]) {
    const token = await stage.token({ 'kubernetes.io': other })
    assert.equal(await stage.refusal(token), 'claims')
  }
})

test('a legacy token out of a Secret is refused', async () => {
  const stage = new Stage()
  const legacy = {
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:search:api',
    'kubernetes.io/serviceaccount/namespace': 'search',
    'kubernetes.io/serviceaccount/secret.name': 'api-token',
    'kubernetes.io/serviceaccount/service-account.name': 'api',
  }
  assert.equal(await stage.refusal(await sign(clusterKey, legacy)), 'claims')
  const seconds = Math.floor(stage.clock.wall() / 1_000)
  const dressed = { ...legacy, aud: ['outrigger'], iat: seconds, exp: seconds + 60 }
  assert.equal(await stage.refusal(await sign(clusterKey, dressed)), 'issuer')
})

test('a token without a pod is refused unless the configuration takes it', async () => {
  const { pod: _pod, ...podless } = inner
  const change = { 'kubernetes.io': podless }
  const strict = new Stage()
  assert.equal(await strict.refusal(await strict.token(change)), 'not bound to a pod')
  const loose = new Stage({ podBound: false })
  assert.deepEqual(await loose.prove(await loose.token(change)), {
    tenant: 'search',
    workload: 'search/api',
    pod: undefined,
  })
})

test('a token of another namespace gives that namespace’s tenant, or none', async () => {
  const stage = new Stage()
  const of = (namespace: string, account: string) =>
    sign(clusterKey, claimsAt(stage.clock.wall(), namespace, account))
  assert.equal((await stage.prove(await of('shop', 'api'))).tenant, 'shop')
  assert.equal(await stage.refusal(await of('shop', 'worker')), 'unknown workload')
  assert.equal(await stage.refusal(await of('elsewhere', 'api')), 'unknown workload')
})

test('headers of the caller’s choice change nothing', async () => {
  const stage = new Stage()
  const forged = [
    'x-outrigger-tenant',
    'shop',
    'l5d-client-id',
    'api.shop.serviceaccount.identity.x',
  ]
  const more = [...forged, 'x-forwarded-client-cert', 'URI=spiffe://td/ns/shop/sa/api']
  assert.equal((await stage.prove(await stage.token(), more)).tenant, 'search')
})

test('two authorization headers are refused, also where both are the same', async () => {
  const stage = new Stage()
  const token = await stage.token()
  const again = ['authorization', `Bearer ${token}`]
  assert.equal(await stage.refusal(token, again), 'several tokens')
})

test('an authorization that holds no bearer token is refused', async () => {
  const stage = new Stage()
  const token = await stage.token()
  const values = [
    '',
    token,
    'Bearer',
    'Bearer ',
    `Basic ${token}`,
    `Bearer ${token} x`,
    `Bearer  ${token}`,
  ]
  for (const value of values) {
    assert.equal(await refusalOf(stage.proveHead(['authorization', value])), 'no token', value)
  }
  assert.equal(await refusalOf(stage.proveHead([])), 'no token')
})

test('a token over 8 KiB is refused unread', async () => {
  const stage = new Stage()
  const token = await stage.token({ filler: 'x'.repeat(8_192) })
  assert.equal(await stage.refusal(token), 'token too large')
})

test('garbage is refused', async () => {
  const stage = new Stage()
  const token = await stage.token()
  const [head = '', claims = '', signature = ''] = token.split('.')
  const pieces = ['x', '..', '.'.repeat(50), `${head}.${claims}`, `${token}.${token}`, `${token}=`]
  const odd = [
    `AA.${claims}.${signature}`,
    `${encoded([])}.${claims}.${signature}`,
    `${head}..${signature}`,
  ]
  for (const value of [...pieces, ...odd, '\u0000', 'é.é.é', `${encoded({})}.x.y`]) {
    const reason = await stage.refusal(value)
    assert.ok(['malformed token', 'algorithm'].includes(reason), `${value}: ${reason}`)
  }
  assert.equal(await stage.refusal(`${head}.AAAA.${signature}`), 'signature')
})

test('no token is let in whose bytes differ from those that were signed', async () => {
  const stage = new Stage()
  const token = await stage.token()
  const bytesOf = (text: string) => text.split('.').map((part) => Buffer.from(part, 'base64url'))
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
  const place = fc.nat(token.length - 1)
  const letter = fc.constantFrom(...letters.split(''))
  await fc.assert(
    fc.asyncProperty(place, letter, async (at, other) => {
      const changed = `${token.slice(0, at)}${other}${token.slice(at + 1)}`
      const isIn = await stage.prove(changed).then(
        () => true,
        () => false,
      )
      // The last letter of a part has bits that stand for nothing.
      if (isIn) assert.deepEqual(bytesOf(changed), bytesOf(token))
    }),
    { numRuns: 500 },
  )
})

test('a signed token whose claims are no claims is refused', async () => {
  const stage = new Stage()
  for (const change of [{ aud: undefined }, { aud: 7 }, { sub: 7 }, { iat: undefined }]) {
    assert.equal(await stage.refusal(await stage.token(change)), 'claims')
  }
})
