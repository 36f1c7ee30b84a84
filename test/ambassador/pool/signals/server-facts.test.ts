import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  readEventSources,
  readLoad,
  readModels,
  readVersion,
} from '#ambassador/pool/signals/server-facts.ts'
import { readSample } from '../../../simulator/sample.ts'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))

test('recorded models are read with the parents of adapters, which say no length', () => {
  assert.deepEqual(readModels(Buffer.from(readSample('models').body)), [
    { id: 'tiny', parent: undefined, contextTokens: 2_048 },
    { id: 'tiny-alias', parent: undefined, contextTokens: 2_048 },
    { id: 'sql', parent: 'tiny', contextTokens: undefined },
    { id: 'chat', parent: 'tiny', contextTokens: undefined },
  ])
})

test('entries that are no models are left out, and so are those beyond the limit', () => {
  const data = [null, 7, {}, { id: '' }, { id: 'm', max_model_len: -1 }]
  assert.deepEqual(readModels(bytes({ data })), [
    { id: 'm', parent: undefined, contextTokens: undefined },
  ])
  const many = Array.from({ length: 5_000 }, (_, at) => ({ id: `m${at}` }))
  assert.equal(readModels(bytes({ data: many }))?.length, 4_096)
})

test('event sources are told by rank; those that are off or broken are none', () => {
  const on = { enable_kv_cache_events: true, publisher: 'zmq', endpoint: 'tcp://*:5571' }
  const sources = readEventSources(
    bytes({
      0: { ...on, replay_endpoint: 'tcp://*:5572', topic: 'kv@b@tiny' },
      1: { ...on, replay_endpoint: null },
      2: { ...on, enable_kv_cache_events: false },
      3: { ...on, publisher: 'null' },
      4: { publisher: 'zmq' },
      5: null,
    }),
  )
  const source = { publisher: 'zmq', endpoint: 'tcp://*:5571' }
  assert.deepEqual(sources, [
    { rank: '0', ...source, replayEndpoint: 'tcp://*:5572', topic: 'kv@b@tiny' },
    { rank: '1', ...source, replayEndpoint: undefined, topic: '' },
  ])
  assert.deepEqual(readEventSources(bytes({})), [])
})

test('a page of something else is none of them', () => {
  const readers = [readModels, readVersion, readEventSources, readLoad]
  for (const read of readers) {
    for (const text of ['', '{', '[]', '"x"', '<html>']) {
      assert.equal(read(Buffer.from(text)), undefined, text)
    }
    fc.assert(fc.property(fc.json(), (text) => void read(Buffer.from(text))))
  }
  assert.deepEqual(
    [readVersion(bytes({ version: '0.32.0' })), readLoad(bytes({ server_load: 3 }))],
    ['0.32.0', 3],
  )
  assert.equal(readVersion(bytes({ version: 'v'.repeat(999) }))?.length, 64)
})
