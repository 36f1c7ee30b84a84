import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPlatform } from '#deploy/controller/platform.ts'

function platformOf(text: string, transport: 'tls' | 'plain' = 'tls') {
  // An object of its own each time, as a watch gives.
  const object = { metadata: { name: 'outrigger' }, data: { 'outrigger.yaml': text } }
  const platform = readPlatform(object, { transport })
  assert.ok(platform.kind === 'valid', JSON.stringify(platform))
  return platform
}

const one = 'providers: { one: { kind: openai, credentials: [{ name: main, secret: KEY }] } }\n'
const two = one.replace('one:', 'two:')

test('an unchanged text is not read again, a changed one or another transport is', () => {
  const first = platformOf(one)
  assert.equal(platformOf(one).projection, first.projection)
  assert.deepEqual(platformOf(two).providers, ['two'])
  const again = platformOf(one)
  assert.deepEqual(again, first)
  assert.notEqual(platformOf(one, 'plain').projection.text, first.projection.text)
})

test('a bad text is refused each time it is read', () => {
  const object = { metadata: { name: 'outrigger' }, data: { 'outrigger.yaml': 'modles: {}' } }
  for (const transport of ['tls', 'tls'] as const) {
    const platform = readPlatform(object, { transport })
    assert.deepEqual(platform.kind === 'refused' && platform.problems[0]?.path, 'modles')
  }
})
