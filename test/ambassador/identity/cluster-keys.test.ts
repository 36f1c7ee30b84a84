import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsAt, sign, signingKey } from './signing-cluster.ts'
import { clusterKey, Stage } from './stage.ts'

const strangers = await Promise.all([signingKey(), signingKey()])
const [next, stranger] = strangers

/** Lets what is under way in promises come to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A stage that knows its keys. */
async function knowing(): Promise<Stage> {
  const stage = new Stage()
  await settled()
  assert.ok(stage.identity.keys.isReady)
  return stage
}

const hour = 3_600_000

/** Time passes as it does: in steps, with room for answers between. */
async function pass(stage: Stage, ms: number, steps = 1): Promise<void> {
  for (let step = 0; step < steps; step++) {
    stage.clock.advance(ms / steps)
    await settled()
  }
}

test('an ambassador is ready once the keys are known, and stays so', async () => {
  const stage = new Stage()
  assert.equal(stage.identity.keys.isReady, false)
  await settled()
  assert.equal(stage.identity.keys.isReady, true)
  stage.cluster.state = 'away'
  await pass(stage, 30 * hour, 30)
  assert.equal(stage.identity.keys.isReady, true)
})

test('other ways of proving need no keys and no API server', async () => {
  const stage = await knowing()
  const { questions } = stage.cluster
  stage.identity.apply({ kind: 'open', tenant: 'default' })
  assert.ok(stage.identity.keys.isReady)
  assert.equal(stage.identity.keys.status(), undefined)
  await pass(stage, hour, 10)
  assert.equal(stage.cluster.questions, questions)
  assert.equal(stage.clock.pending(), 0)
})

test('keys that cannot be read are asked for after 1, 2, 4 … 30 s, and told once', async () => {
  const stage = new Stage({}, [])
  await settled()
  assert.equal(await stage.refusal(await stage.token()), 'not-configured')
  const before = stage.cluster.questions
  await pass(stage, 1_000)
  await pass(stage, 2_000)
  await pass(stage, 4_000)
  assert.equal(stage.cluster.questions, before + 3)
  await pass(stage, 120_000, 120)
  const problems = stage.lines.filter(({ msg }) => /Cannot read the keys/.test(String(msg)))
  assert.equal(problems.length, 1)
  stage.cluster.state = 'odd'
  await pass(stage, 60_000, 60)
  assert.equal(await stage.refusal(await stage.token()), 'not-configured')
  stage.cluster.state = 'up'
  stage.cluster.keys = [clusterKey]
  await pass(stage, 30_000, 30)
  assert.ok(stage.identity.keys.isReady)
  assert.equal((await stage.prove(await stage.token())).tenant, 'search')
})

test('known keys are read anew every ten minutes', async () => {
  const stage = await knowing()
  await pass(stage, 600_000)
  await pass(stage, 600_000)
  assert.equal(stage.cluster.questions, 3)
})

test('a key taken back is believed no longer than a minute after it is read', async () => {
  const stage = await knowing()
  const token = await stage.token({ exp: Math.floor(stage.clock.wall() / 1_000) + 7_200 })
  stage.cluster.keys = [next]
  await pass(stage, 599_000)
  await stage.prove(token)
  await pass(stage, 1_000)
  assert.ok(!(stage.proveNow(token) instanceof Promise))
  await pass(stage, 60_000)
  assert.equal(await stage.refusal(token), 'unknown key')
})

test('a new key is asked for when the first token comes that it has signed', async () => {
  const stage = await knowing()
  stage.cluster.keys = [clusterKey, next]
  await pass(stage, 30_000)
  const token = await sign(next, claimsAt(stage.clock.wall()))
  const all = await Promise.all([stage.prove(token), stage.prove(token), stage.prove(token)])
  assert.deepEqual(new Set(all.map(({ tenant }) => tenant)), new Set(['search']))
  assert.equal(stage.cluster.questions, 2)
})

test('a flood of unknown keys asks once in 30 s', async () => {
  const stage = await knowing()
  let tokens = 0
  for (let second = 0; second < 120; second++) {
    const flood = Array.from({ length: 5 }, () =>
      sign(stranger, claimsAt(stage.clock.wall()), { kid: `unheard-of-${tokens++}` }),
    )
    for (const token of flood) assert.equal(await stage.refusal(await token), 'unknown key')
    stage.clock.advance(1_000)
  }
  // At the start, and for them at 0, 30, 60 and 90 s.
  assert.equal(stage.cluster.questions, 5)
})

test('a key that replaces another right after the keys were read is asked for all the same', async () => {
  const stage = await knowing()
  stage.cluster.keys = [clusterKey, next]
  const token = await sign(next, claimsAt(stage.clock.wall()))
  assert.equal((await stage.prove(token)).tenant, 'search')
  assert.equal(stage.cluster.questions, 2)
})

test('callers that wait for a key share one question, and no longer than 5 s', async () => {
  const stage = await knowing()
  await pass(stage, 30_000)
  stage.cluster.state = 'silent'
  const token = (kid: string) => sign(stranger, claimsAt(stage.clock.wall()), { kid })
  const waiting = [stage.refusal(await token('a')), stage.refusal(await token('b'))]
  await settled()
  assert.equal(stage.cluster.questions, 2)
  const known = await stage.token()
  assert.equal((await stage.prove(known)).tenant, 'search')
  stage.clock.advance(5_000)
  assert.deepEqual(await Promise.all(waiting), ['unknown key', 'unknown key'])
})

test('tokens are verified for 24 hours while the API server is away, then refused', async () => {
  const stage = await knowing()
  stage.cluster.state = 'away'
  await pass(stage, 24 * hour, 24)
  assert.equal((await stage.prove(await stage.token())).tenant, 'search')
  await pass(stage, 61_000)
  assert.equal(await stage.refusal(await stage.token()), 'not-configured')
  stage.cluster.state = 'up'
  await pass(stage, 30_000, 3)
  assert.equal((await stage.prove(await stage.token())).tenant, 'search')
})

test('an answer without a usable key leaves the known ones', async () => {
  const stage = await knowing()
  stage.cluster.keys = []
  await pass(stage, 600_000)
  assert.equal((await stage.prove(await stage.token())).tenant, 'search')
  const { publicJwk } = clusterKey
  stage.cluster.keys = [{ ...clusterKey, publicJwk: { ...publicJwk, kid: '' } }]
  await pass(stage, 600_000)
  assert.equal((await stage.prove(await stage.token())).tenant, 'search')
})

test('the status tells the issuer, the keys and their age', async () => {
  const stage = await knowing()
  await pass(stage, 90_000)
  const { issuer } = stage.cluster
  assert.deepEqual(stage.identity.keys.status(), {
    issuer,
    keys: 1,
    keysAgeSeconds: 90,
    problem: null,
  })
})

test('a reload that leaves the issuer to the API server asks for it', async () => {
  const identity = { kind: 'kubernetes', audience: 'outrigger', podBound: true } as const
  const stage = new Stage({ issuers: ['https://old'] })
  await settled()
  stage.identity.apply({ ...identity, unknown: 'refuse', issuers: [], mesh: undefined })
  await settled()
  assert.match(JSON.stringify(stage.identity.keys.status()), /kubernetes\.default/)
})

test('nothing is left when it is closed', async () => {
  const stage = await knowing()
  stage.identity.keys.close()
  assert.equal(stage.clock.pending(), 0)
})
