import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Half } from '../../pair/harness.ts'
import { openCluster } from '../cluster.ts'
import { kidOf } from '../ground/token-parts.ts'
import { repeat } from '../sidecar/repeat.ts'
import { until } from '../until.ts'
import { type BoundPod, bring, IdentityStage } from './stage.ts'

const cluster = await openCluster()
const namespace = await cluster.namespace('keys')
const stage = await IdentityStage.open(cluster, namespace, {
  search: { workloads: [{ namespace }] },
})
after(() => stage.close())
const pod: BoundPod = await stage.pod(namespace, 'web')
const fresh = () => cluster.token(namespace, 'default', { audience: 'outrigger', pod })

async function ready(): Promise<Half> {
  const half = await stage.ambassador()
  await until('the keys known', 60_000, async () => (await half.page('/readyz')).status === 200)
  return half
}

interface Keys {
  readonly keys: number
  readonly keysAgeSeconds: number
}

async function keysOf(half: Half): Promise<Keys> {
  return JSON.parse((await half.page('/statusz')).text).identity
}

test('while one signing key follows another no call fails, and the first new token is served', async (t) => {
  const ambassador = await ready()
  const before = await fresh()
  const { keys: keysBefore } = await keysOf(ambassador)
  let token = before
  const failures: unknown[] = []
  const stop = repeat(t, async () => {
    const came = await bring(ambassador, token)
    if (came[0] !== 200) failures.push(came)
  })
  await cluster.rotateSigningKey('keep')
  const next = await fresh()
  assert.notEqual(kidOf(next), kidOf(before))
  assert.equal((await keysOf(ambassador)).keys, keysBefore)
  // Right after it, and again: what a sidecar sends from the next swap of its volume on.
  assert.deepEqual(await bring(ambassador, next), [200, 'served'])
  token = next
  const { keys, keysAgeSeconds } = await keysOf(ambassador)
  assert.equal(keys, keysBefore + 1)
  assert.ok(keysAgeSeconds <= 5)
  assert.deepEqual(await bring(ambassador, before), [200, 'served'])
  assert.ok((await stop()) > 10)
  assert.deepEqual(failures, [])
})

test('with the key before it dropped, new tokens are served once the ambassador’s own is new', async () => {
  const ambassador = await ready()
  const [seen, unseen] = [await fresh(), await fresh()]
  assert.deepEqual(await bring(ambassador, seen), [200, 'served'])
  await cluster.rotateSigningKey('drop')
  // Its own token is one of those that hold no more: the keys it knows stay.
  const next = await fresh()
  assert.deepEqual(await bring(ambassador, next), [401, 'unauthenticated'])
  await ambassador.line(({ msg }) => String(msg).startsWith('Cannot read the keys of the cluster'))
  assert.deepEqual(await bring(ambassador, seen), [200, 'served'])
  await stage.account.renew()
  await until('a new token served', 60_000, async () => {
    return (await bring(ambassador, next))[0] === 200
  })
  assert.deepEqual(await bring(ambassador, await fresh()), [200, 'served'])
  // What was signed by the key that is gone: refused, unless it was served within the last minute.
  assert.deepEqual(await bring(ambassador, unseen), [401, 'unauthenticated'])
})
