import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setInterval } from 'node:timers/promises'
import type { Half } from '../../pair/harness.ts'
import { openCluster } from '../cluster.ts'
import { until } from '../until.ts'
import { bring, IdentityStage } from './stage.ts'

const cluster = await openCluster()
const namespace = await cluster.namespace('away')
const stage = await IdentityStage.open(cluster, namespace, {
  search: { workloads: [{ namespace }] },
})
after(() => stage.close())
const server = cluster.component('kube-apiserver')
/** A minute, of the two passes in one. */
const awaySeconds = cluster.emulatedVersion === undefined ? 60 : 3
const pod = await stage.pod(namespace, 'web')
const tokens = await Promise.all(
  Array.from({ length: 80 }, () =>
    cluster.token(namespace, 'default', { audience: 'outrigger', pod }),
  ),
)
/** One that no ambassador has seen: it has to be verified. */
const unseen = () => tokens.pop() ?? ''

const ambassador = await stage.ambassador()
await whenReady(ambassador)

async function whenReady(half: Half): Promise<void> {
  await until('the ambassador ready', 60_000, async () => {
    return (await half.page('/readyz')).status === 200
  })
}

async function problemOf(half: Half): Promise<string> {
  return JSON.parse((await half.page('/statusz')).text).identity.problem ?? ''
}

/** What came of calls with tokens never seen before, one a second. */
async function callsFor(seconds: number): Promise<void> {
  let left = seconds
  for await (const _ of setInterval(1_000)) {
    assert.deepEqual(await bring(ambassador, unseen()), [200, 'served'])
    if (--left === 0) return
  }
}

/** One that is started while nobody answers for the keys: it says so, and serves once it knows them. */
async function startedMeanwhile(reason: RegExp): Promise<Half> {
  const late = await stage.ambassador()
  await until('the reason on the status page', 60_000, async () => {
    assert.match(await problemOf(late), reason)
    return true
  })
  assert.equal((await late.page('/readyz')).status, 503)
  assert.deepEqual(await bring(late, unseen()), [503, 'not-configured'])
  const line = await late.line(({ msg }) => /Cannot read the keys of the cluster/.test(String(msg)))
  assert.match(String(line['reason']), reason)
  return late
}

async function serves(late: Half): Promise<void> {
  await whenReady(late)
  assert.deepEqual(await bring(late, unseen()), [200, 'served'])
  assert.equal(await problemOf(late), '')
}

test('calls go on while the API server is away; who starts then is ready once it is back', async () => {
  await server.kill()
  await callsFor(awaySeconds)
  const late = await startedMeanwhile(/ECONNREFUSED|refused|cannot be connected/i)
  await server.start()
  await serves(late)
})

test('a frozen API server holds no call up, and an ambassador waits for its keys', async () => {
  await server.freeze()
  await callsFor(2)
  const late = await startedMeanwhile(/in time/)
  await server.thaw()
  await serves(late)
})
