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

/** One that fits into the short form, and one that does not. */
const ids = ['resp_abc', `resp_${'Xy.~-'.repeat(8)}`]

test('another tenant, provider or credential proves nothing, in either form', () => {
  const sealer = new Sealer([one])
  for (const text of ids) {
    const sealed = sealer.seal(text, holder)
    assert.deepEqual(sealer.prove(sealed, claim), { id: text, credential: 'main' })
    assert.equal(sealer.prove(sealed, { ...claim, tenant: 'team-b' }), undefined)
    assert.equal(sealer.prove(sealed, { ...claim, provider: 'azure' }), undefined)
    assert.equal(sealer.prove(sealed, { ...claim, credentials: ['other'] }), undefined)
    assert.equal(sealer.prove(text, claim), undefined)
  }
  assert.equal(sealer.prove('resp_a', claim), undefined)
})

test('an id of any of many credentials is known again, whatever their tags', () => {
  const sealer = new Sealer([one])
  const credentials = Array.from({ length: 200 }, (_, at) => `http://10.0.0.${at}:8000`)
  for (const credential of credentials) {
    const sealed = sealer.seal('resp_0f0f', { ...holder, credential })
    assert.equal(sealer.prove(sealed, { ...claim, credentials })?.credential, credential)
  }
})

test('an id as OpenAI makes it has 62 letters that clients leave as they are', () => {
  const sealer = new Sealer([one])
  const sealed = sealer.seal(`resp_${'0f'.repeat(25)}`, { ...holder, provider: 'a'.repeat(63) })
  assert.match(sealed, /^resp_-[A-Za-z0-9_-]{56}$/)
})

test('an id that was sealed in the long form before is still proven', () => {
  // Of HMAC-SHA256, keyed by 32 bytes of 1, over the words of the long form.
  const text = 'resp_abc.openai~8DNdVxwn.SpwV-O7zPNeMPX_IhSn-eA'
  const sealer = new Sealer([two, one])
  assert.deepEqual(sealer.prove(text, claim), { id: 'resp_abc', credential: 'main' })
  assert.equal(sealer.prove(text, { ...claim, tenant: 'team-b' }), undefined)
})

test('no letter of a sealed id can be another', () => {
  const sealer = new Sealer([one])
  for (const text of ids) {
    const sealed = sealer.seal(text, holder)
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.constantFrom(...letters), (at, letter) => {
        const forged = sealed.slice(0, at) + letter + sealed.slice(at + 1)
        if (forged !== sealed) assert.equal(sealer.prove(forged, claim), undefined, forged)
      }),
      { numRuns: 500 },
    )
  }
})

test('a tenant cannot take a part of another tenant’s name, nor of the id', () => {
  const sealer = new Sealer([one])
  const sealed = sealer.seal('b', { ...holder, tenant: 'aa' })
  const other = sealer.seal('ab', { ...holder, tenant: 'a' })
  const macOf = (text: string) => Buffer.from(text.slice(2), 'base64url').toString('hex', 5, 17)
  assert.equal(macOf(sealed).length, 24)
  assert.notEqual(macOf(sealed), macOf(other))
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
