import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lineBytesMax, WatchDecoder } from '#shared/kubernetes/watch-decoder.ts'

const action = 'GET /api/v1/pods'

function decode(chunks: readonly Buffer[]) {
  const told: string[] = []
  const decoder = new WatchDecoder(action, (event) => told.push(JSON.stringify(event)))
  for (const chunk of chunks) {
    const error = decoder.feed(chunk)
    if (error !== undefined) return { told, reason: error.reason, status: error.status }
  }
  return { told, reason: undefined, status: undefined }
}

/** `bytes` cut at the given places, taken modulo its length. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b)
  return [0, ...sorted].map((from, at) => bytes.subarray(from, sorted[at] ?? bytes.length))
}

const text = fc.string({ unit: 'binary', maxLength: 12 })
const event = fc.record({
  type: fc.constantFrom('ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'),
  object: fc.record({
    metadata: fc.record({ name: text, annotations: fc.dictionary(text, text) }),
  }),
})

test('however the bytes are split, the events are the same', () => {
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 8 }),
      fc.array(fc.nat(4_000), { maxLength: 20 }),
      fc.string({ maxLength: 20 }),
      (events, places, rest) => {
        const written = events.map((each) => JSON.stringify(each))
        const unfinished = rest.replaceAll('\n', '')
        const bytes = Buffer.from(written.map((line) => `${line}\n`).join('') + unfinished)
        const { told, reason } = decode(cut(bytes, places))
        assert.equal(reason, undefined)
        assert.deepEqual(
          told.map((line) => JSON.parse(line)),
          written.map((line) => JSON.parse(line)),
        )
      },
    ),
    { numRuns: 500 },
  )
})

test('however the bytes are split, the error comes behind the events before it', () => {
  const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 4 }),
      fc.array(event, { maxLength: 4 }),
      fc.array(fc.nat(2_000), { maxLength: 20 }),
      (before, behind, places) => {
        const lines = [...before, { type: 'ERROR', object: status }, ...behind]
        const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
        const { told, reason, status: code } = decode(cut(bytes, places))
        assert.deepEqual([told.length, reason, code], [before.length, 'Expired', 410])
      },
    ),
    { numRuns: 500 },
  )
})

test('blank lines are nothing', () => {
  assert.deepEqual(decode([Buffer.from('\n \r\n\n')]), {
    told: [],
    reason: undefined,
    status: undefined,
  })
})

test('a line over the limit ends the watch, in one piece or in many', () => {
  const long = Buffer.alloc(lineBytesMax + 1, ' ')
  assert.equal(decode([long]).reason, 'TooLarge')
  assert.equal(decode([Buffer.concat([long, Buffer.from('\n')])]).reason, 'TooLarge')
  assert.equal(decode(cut(long, [1_000, 2_000_000])).reason, 'TooLarge')
})

test('the limit is that of one line, however many are cut in two', () => {
  const line = Buffer.from(`${' '.repeat(2 ** 20 - 1)}\n`)
  const half = line.length / 2
  const chunks = Array.from({ length: 24 }, (_, at) =>
    at % 2 === 0 ? line.subarray(0, half) : line.subarray(half),
  )
  assert.equal(decode(chunks).reason, undefined)
})
