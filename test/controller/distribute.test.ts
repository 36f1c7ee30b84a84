import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { distribution, handoutIn, managedLabel } from '#deploy/controller/distribute.ts'
import { Lingering } from '#deploy/controller/lingering.ts'
import { noticesOf } from '#deploy/controller/notices.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

const handout = (hash: string) => ({
  projection: { text: `# ${hash}\n`, hash },
  authorities: '-----BEGIN CERTIFICATE-----\n',
})

test('whoever holds it already is left alone, others are written', () => {
  const held = new Map([
    ['same', handoutIn('same', handout('one'))],
    ['old', handoutIn('old', handout('zero'))],
  ])
  const plan = distribution(handout('one'), new Set(['same', 'old', 'new']), held)
  assert.deepEqual(
    plan.write.map(({ metadata }) => metadata.namespace),
    ['new', 'old'],
  )
  assert.deepEqual(plan.remove, [])
})

test('what a tenant changes in it is written over; what others add to its labels stays', () => {
  const mine = handoutIn('a', handout('one'))
  const changes: KubernetesObject[] = [
    { ...mine, data: { 'outrigger.yaml': 'mine', 'ca.crt': '' } },
    { ...mine, data: { ...Object(mine['data']), more: '1' } },
    { ...mine, binaryData: { more: 'AA==' } },
    { ...mine, metadata: { ...mine.metadata, labels: {} } },
  ]
  for (const changed of changes) {
    const plan = distribution(handout('one'), new Set(['a']), new Map([['a', changed]]))
    assert.equal(plan.write.length, 1)
  }
  const labels = { ...mine.metadata.labels, 'argocd.argoproj.io/instance': 'x' }
  const labelled = { ...mine, metadata: { ...mine.metadata, labels } }
  const plan = distribution(handout('one'), new Set(['a']), new Map([['a', labelled]]))
  assert.deepEqual(plan.write, [])
})

test('keys that a tenant adds are taken out, which applying alone would leave', () => {
  const mine = handoutIn('a', handout('one'))
  const data = { ...Object(mine['data']), more: '1', most: '2' }
  const held = new Map([['a', { ...mine, data, binaryData: { raw: 'AA==' } }]])
  const plan = distribution(handout('one'), new Set(['a']), held)
  const patch = { data: { more: null, most: null }, binaryData: null }
  assert.deepEqual([...plan.strays], [['a', patch]])
  // Also with a handout that has one key less than the last.
  const plain = { ...handout('one'), authorities: undefined }
  const { strays } = distribution(plain, new Set(['a']), new Map([['a', mine]]))
  assert.deepEqual(strays.get('a'), { data: { 'ca.crt': null }, binaryData: null })
})

test('one that was made immutable is made anew, even where it says the same: kubelets left it', () => {
  const mine = handoutIn('a', handout('one'))
  for (const data of [mine['data'], { 'outrigger.yaml': 'mine', more: '1' }]) {
    const frozen = { ...mine, data, immutable: true }
    const plan = distribution(handout('one'), new Set(['a']), new Map([['a', frozen]]))
    assert.deepEqual([...plan.recreate], [['a', frozen]])
    assert.deepEqual(plan.write, [mine])
    assert.equal(plan.strays.size, 0)
  }
})

test('only what the controller has made is taken back', () => {
  const theirs: KubernetesObject = { metadata: { name: 'outrigger-sidecar', namespace: 'b' } }
  const held = new Map([
    ['a', handoutIn('a', handout('one'))],
    ['b', theirs],
  ])
  assert.deepEqual(distribution(handout('one'), new Set(), held).remove, ['a'])
})

test('whatever is held, one turn is enough: a second has nothing to do', () => {
  const namespace = fc.constantFrom('a', 'b', 'c', 'd')
  const arbitrary = fc.record({
    wanted: fc.array(namespace),
    held: fc.array(fc.tuple(namespace, fc.constantFrom('one', 'two'), fc.boolean())),
  })
  fc.assert(
    fc.property(arbitrary, ({ wanted, held }) => {
      const objects = new Map<string, KubernetesObject>()
      for (const [name, hash, isOurs] of held) {
        const object = handoutIn(name, handout(hash))
        const metadata = isOurs ? object.metadata : { ...object.metadata, labels: {} }
        objects.set(name, { ...object, metadata })
      }
      const want = new Set(wanted)
      const plan = distribution(handout('one'), want, objects)
      for (const object of plan.write) objects.set(object.metadata.namespace ?? '', object)
      for (const name of plan.remove) objects.delete(name)
      assert.deepEqual(distribution(handout('one'), want, objects), {
        strays: new Map(),
        recreate: new Map(),
        write: [],
        remove: [],
      })
      for (const name of want) {
        assert.deepEqual(objects.get(name)?.metadata.labels?.[managedLabel], 'true')
      }
    }),
  )
})

test('a namespace keeps its configuration for five minutes after its last pod', () => {
  const lingering = new Lingering(5 * 60_000)
  const minuteMs = 60_000
  const at = (populated: string[], nowMs: number) =>
    lingering.wanted(new Set(populated), ['a'], nowMs)
  assert.deepEqual(at(['a'], 0), { namespaces: new Set(['a']), nextMs: Number.POSITIVE_INFINITY })
  assert.deepEqual(at([], minuteMs), { namespaces: new Set(['a']), nextMs: 5 * minuteMs })
  // A pod comes back: the five minutes begin anew.
  at(['a'], 2 * minuteMs)
  assert.deepEqual(at([], 3 * minuteMs).nextMs, 5 * minuteMs)
  assert.deepEqual(at([], 7 * minuteMs).nextMs, minuteMs)
  assert.deepEqual(at([], 8 * minuteMs).namespaces, new Set())
})

test('each bad key is a notice of its own, ten at most', () => {
  const problems = Array.from({ length: 14 }, (_, at) => ({
    path: `models.m${at}`,
    message: 'is required',
    line: at + 1,
  }))
  const notices = noticesOf(problems)
  assert.equal(notices.length, 11)
  assert.equal(notices[0]?.message, 'line 1: models.m0 is required')
  assert.match(notices[10]?.message ?? '', /4 more/)
})
