import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Sealer } from '#ambassador/stored/sealer.ts'

const one = Buffer.alloc(32, 1)
const two = Buffer.alloc(32, 2)
const holder = { tenant: 'team-a', provider: 'openai', credential: 'main' }
const claim = { tenant: 'team-a', provider: 'openai', credentials: ['other', 'main'] }
const letters = Array.from('abcXYZ019_-.~')
const id = fc.string({ minLength: 1, maxLength: 80 })

test('an id is proven for its tenant, and its credential is known again', () => {
  fc.assert(
    fc.property(id, (text) => {
      const sealer = new Sealer([one])
      const sealed = sealer.seal(text, holder)
      assert.deepEqual(sealer.prove(sealed, claim), { id: text, credential: 'main' })
    }),
  )
})

test('another tenant, provider or credential proves nothing', () => {
  const sealer = new Sealer([one])
  const sealed = sealer.seal('resp_a', holder)
  assert.equal(sealer.prove(sealed, { ...claim, tenant: 'team-b' }), undefined)
  assert.equal(sealer.prove(sealed, { ...claim, provider: 'azure' }), undefined)
  assert.equal(sealer.prove(sealed, { ...claim, credentials: ['other'] }), undefined)
  assert.equal(sealer.prove('resp_a', claim), undefined)
})

test('no letter of a sealed id can be another', () => {
  const sealer = new Sealer([one])
  const sealed = sealer.seal('resp_abc', holder)
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.constantFrom(...letters), (at, letter) => {
      const forged = sealed.slice(0, at) + letter + sealed.slice(at + 1)
      const proven = sealer.prove(forged, claim)
      if (forged === sealed) return
      assert.equal(proven, undefined, forged)
    }),
    { numRuns: 500 },
  )
})

test('a tenant cannot take a part of another tenant’s name, nor of the id', () => {
  const sealer = new Sealer([one])
  const sealed = sealer.seal('b', { ...holder, tenant: 'aa' })
  const mac = sealed.slice(sealed.lastIndexOf('.'))
  const other = sealer.seal('ab', { ...holder, tenant: 'a' })
  assert.notEqual(other.slice(other.lastIndexOf('.')), mac)
})

test('a key is replaced with overlap: the first seals, each proves', () => {
  const before = new Sealer([one]).seal('resp_a', holder)
  const during = new Sealer([two, one])
  const fresh = during.seal('resp_a', holder)
  assert.notEqual(fresh, before)
  assert.ok(during.prove(before, claim) !== undefined)
  assert.ok(during.prove(fresh, claim) !== undefined)
  const after = new Sealer([two])
  assert.equal(after.prove(before, claim), undefined)
  assert.ok(after.prove(fresh, claim) !== undefined)
})

test('a stand-in is the same for the same id and tenant, short, and of the same kind', () => {
  const sealer = new Sealer([one])
  const stand = sealer.standIn('msg_1', 'team-a')
  assert.match(stand, /^msg_[0-9a-f]{32}$/)
  assert.equal(sealer.standIn('msg_1', 'team-a'), stand)
  assert.notEqual(sealer.standIn('msg_1', 'team-b'), stand)
  assert.notEqual(sealer.standIn('msg_2', 'team-a'), stand)
  assert.ok(sealer.standIn(`msg_${'x'.repeat(500)}`, 'team-a').length <= 46)
})
