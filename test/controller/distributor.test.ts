import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handoutIn } from '#deploy/controller/distribute.ts'
import { Distributor } from '#deploy/controller/distributor.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { manualClock } from '../manual-clock.ts'
import { listeningLog } from './scripted-api.ts'

const handout = { projection: { text: '# one\n', hash: 'one' }, authorities: 'pem' }

function distributor() {
  const clock = manualClock()
  const written: string[] = []
  const take = async (path: string): Promise<KubernetesObject> => {
    written.push(path.split('/').slice(4, 6).join('/'))
    return { metadata: {} }
  }
  const api = { patch: take, remove: take }
  const { log } = listeningLog()
  return { clock, written, it: new Distributor({ api, clock, log, touches: 'pods' }) }
}

test('a tenant that reverts its ConfigMap in a loop has its pods touched eight times in two minutes', async () => {
  const { clock, written, it } = distributor()
  const pods = new Map([['a/one', { metadata: { name: 'one', namespace: 'a' } }]])
  const mine = handoutIn('a', handout)
  const held = new Map([['a', { ...mine, data: {} }]])
  for (let second = 0; second < 124; second++) {
    await it.distribute(handout, { wanted: new Set(['a']), held, pods })
    clock.advance(1_000)
  }
  assert.equal(written.filter((each) => each === 'a/pods').length, 8)
  const next = { projection: { text: '# two\n', hash: 'two' }, authorities: 'pem' }
  await it.distribute(next, { wanted: new Set(['a']), held, pods })
  assert.equal(written.filter((each) => each === 'a/pods').length, 9)
})

test('it says when one that was held back is due, and holds back nobody else', async () => {
  const { written, it } = distributor()
  const around = { held: new Map(), pods: new Map() }
  await it.distribute(handout, { ...around, wanted: new Set(['a']) })
  const { nextMs } = await it.distribute(handout, { ...around, wanted: new Set(['a', 'b']) })
  assert.equal(nextMs, 1_000)
  assert.deepEqual(written, ['a/configmaps', 'b/configmaps'])
})
