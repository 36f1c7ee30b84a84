import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeLong } from '#shared/stored/long-id.ts'
import { isOf, namedOwner, readSealed } from '#shared/stored/sealed-id.ts'
import { markOf, writeShort } from '#shared/stored/short-id.ts'

const long = (id: string, provider: string) =>
  writeLong({ id, provider, tag: 'A'.repeat(8), mac: 'b'.repeat(22) })
const short = (id: string, provider: string) => {
  const text = writeShort({ id, mark: markOf(provider), tag: 7, mac: Buffer.alloc(12, 3) })
  assert.ok(text !== undefined)
  return text
}

test('both forms name their provider and the id that it knows', () => {
  for (const text of [long('resp_a', 'openai'), short('resp_a', 'openai')]) {
    const sealed = readSealed(text)
    assert.ok(sealed !== undefined)
    assert.deepEqual([isOf(sealed, 'openai'), isOf(sealed, 'azure-eu')], [true, false])
    const owner = { provider: 'openai', id: 'resp_a' }
    assert.deepEqual(namedOwner(text, ['azure-eu', 'openai']), owner)
  }
})

test('of a provider that is not there the long form tells the name; the short one is a plain id', () => {
  assert.equal(namedOwner(long('resp_a', 'gone'), ['openai'])?.provider, 'gone')
  assert.equal(namedOwner(short('resp_a', 'gone'), ['openai']), undefined)
})

test('ids as providers make them are not taken for sealed ones', () => {
  const digits = fc.stringMatching(/^(?:resp|msg|rs|fc|conv)_[0-9a-f]{16,50}$/)
  fc.assert(
    fc.property(fc.oneof(digits, fc.uuid(), fc.string({ unit: 'binary' })), (text) => {
      assert.equal(namedOwner(text, ['openai', 'azure-eu', 'pool']), undefined)
    }),
  )
})
