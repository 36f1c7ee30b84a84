import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ObjectCache } from '#shared/kubernetes/object-cache.ts'

const object = (name: string, resourceVersion: string, uid = 'u') => ({
  metadata: { name, namespace: 'shop', resourceVersion, uid },
})

test('an object is named by its namespace and its name', () => {
  const cache = new ObjectCache()
  cache.replace([object('a', '1')])
  assert.deepEqual([...cache.objects.keys()], ['shop/a'])
})

test('what is known already is no change, be it listed or told again', () => {
  const cache = new ObjectCache()
  cache.replace([object('a', '1')])
  assert.deepEqual(cache.replace([object('a', '1')]), [])
  assert.equal(cache.apply({ type: 'ADDED', object: object('a', '1') }), undefined)
  assert.equal(cache.apply({ type: 'DELETED', object: object('b', '2') }), undefined)
})

test('an object that was added again is a change of the one that is known', () => {
  const cache = new ObjectCache()
  cache.replace([object('a', '1')])
  const change = cache.apply({ type: 'ADDED', object: object('a', '2') })
  assert.equal(change?.kind, 'changed')
})

test('what is kept of an object is the affair of its reader', () => {
  const cache = new ObjectCache(({ metadata }) => ({ metadata, kept: true }))
  const [change] = cache.replace([{ ...object('a', '1'), spec: {} }])
  assert.deepEqual(change?.kind === 'added' && change.object, { ...object('a', '1'), kept: true })
})
