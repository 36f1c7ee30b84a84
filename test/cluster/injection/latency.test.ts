import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openCluster } from '../cluster.ts'
import { Stage } from '../stage/stage.ts'
import { measureCreations, quantile } from './measure-creations.ts'

const cluster = await openCluster()
const isRepeated = cluster.emulatedVersion !== undefined && 'seen on the version before'
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler') || isRepeated
const stage = skip ? undefined : await Stage.open(cluster)
after(async () => {
  await stage?.close()
  await cluster.close()
})

test('a hundred pods of each kind are created; `latency.ts` measures a thousand', {
  skip,
}, async (context) => {
  const creations = await measureCreations(cluster, { pods: 100, atOnce: 1 })
  for (const [kind, times] of Object.entries(creations)) {
    assert.equal(times.length, 100)
    const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)]
    context.diagnostic(`${kind}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`)
  }
})
