import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAt, orphaned, ownedBy } from '#ambassador/pool/placing/owned.ts'
import { CallError } from '#shared/errors/call-error.ts'

const [one, two] = [{ origin: 'http://one' }, { origin: 'http://two' }]

test('a call with an owner goes there, or nowhere', () => {
  assert.deepEqual(ownedBy('http://two', [one, two]), [two])
  assert.deepEqual([one, two].filter(isAt('http://one')), [one])
  assert.throws(
    () => ownedBy('http://three', [one, two]),
    (error: unknown) => error instanceof CallError && error.code === 'no-healthy-replica',
  )
})

test('a call that waits is refused where nobody is left who may take it', () => {
  const codesOf = (takers: readonly { readonly origin: string }[]) =>
    [undefined, 'http://one'].map((owner) => orphaned(takers, 2)({ owner })?.code)
  assert.deepEqual(codesOf([one, two]), [undefined, undefined])
  assert.deepEqual(codesOf([two]), [undefined, 'no-healthy-replica'])
  assert.deepEqual(codesOf([]), ['no-healthy-replica', 'no-healthy-replica'])
})
