import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countHeader, endToEnd, header, isOfHop, listed, lowered } from '#shared/http/headers.ts'

const none = () => false

test('names become lower case, values stay', () => {
  assert.deepEqual(lowered(['X-A', 'Value', 'x-b', 'B']), ['x-a', 'Value', 'x-b', 'B'])
})

test('a header that came several times stands in the list as often', () => {
  const list = listed({ 'set-cookie': ['a=1', 'b=2'], date: 'today', gone: undefined })
  assert.deepEqual(list, ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'date', 'today'])
  assert.deepEqual([header(list, 'set-cookie'), countHeader(list, 'set-cookie')], ['a=1', 2])
  assert.deepEqual([header(list, 'a=1'), countHeader(list, 'today')], [undefined, 0])
})

test('hop-by-hop headers stay behind, and what connection names with them', () => {
  const list = ['connection', 'close, X-Mine', 'x-mine', '1', 'te', 'trailers', 'x-yours', '2']
  assert.deepEqual(endToEnd(list, none), ['x-yours', '2'])
  const twice = ['connection', 'keep-alive', 'connection', 'x-mine', 'x-mine', '1', 'accept', '*/*']
  assert.deepEqual(endToEnd(twice, none), ['accept', '*/*'])
  assert.deepEqual(
    endToEnd(['accept', '*/*'], (name) => name === 'accept'),
    [],
  )
})

test('keys, framing, trace context and our own words are of one hop', () => {
  for (const name of ['authorization', 'x-api-key', 'cookie', 'baggage', 'x-outrigger-tenant']) {
    assert.equal(isOfHop(name), true, name)
  }
  assert.equal(isOfHop('anthropic-version'), false)
})
