import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventFramer, eventBytesMax, parseEvents } from '#shared/http/sse.ts'

/** Feeds `bytes` in pieces cut at `cuts`; gives the pieces that came out and the framer. */
function feed(bytes: Buffer, cuts: readonly number[]) {
  const framer = new EventFramer()
  const out: Buffer[] = []
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length]
  let from = 0
  for (const to of places.toSorted((a, b) => a - b)) {
    const whole = framer.feed(bytes.subarray(from, to))
    if (whole !== undefined) out.push(whole)
    from = to
  }
  return { framer, out }
}

const eol = fc.constantFrom('\n', '\r\n')
const line = fc.constantFrom('data: {"a":"ä€😀"}', 'data:x', ': comment', 'event: ping', 'id: 7')
const stream = fc
  .tuple(eol, fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 6 }))
  .map(([end, events]) => events.map((lines) => lines.map((l) => l + end).join('') + end).join(''))

test('any split of the bytes gives the same bytes in whole events', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(400), { maxLength: 20 }), (text, cuts) => {
      const bytes = Buffer.from(text)
      const { framer, out } = feed(bytes, cuts)
      assert.equal(Buffer.concat(out).toString(), text)
      assert.equal(framer.heldBytes, 0)
      assert.deepEqual(out.flatMap(parseEvents), parseEvents(bytes))
    }),
  )
})

test('a fragment is kept back until its event is whole', () => {
  const framer = new EventFramer()
  assert.equal(framer.feed(Buffer.from('data: 1\n\ndata: 2'))?.toString(), 'data: 1\n\n')
  assert.equal(framer.heldBytes, 7)
  assert.equal(framer.feed(Buffer.from('\n')), undefined)
  assert.equal(framer.feed(Buffer.from('\n'))?.toString(), 'data: 2\n\n')
})

test('a carriage return and its line feed in two reads are one line end', () => {
  const framer = new EventFramer()
  assert.equal(framer.feed(Buffer.from('data: 1\r')), undefined)
  assert.equal(framer.feed(Buffer.from('\ndata: 2\r\n')), undefined)
  assert.equal(framer.feed(Buffer.from('\r\n'))?.toString(), 'data: 1\r\ndata: 2\r\n\r\n')
})

test('an event over the limit flows unheld and is known to be torn', () => {
  const framer = new EventFramer()
  const half = Buffer.alloc(eventBytesMax / 2, 'x')
  assert.equal(framer.feed(half), undefined)
  assert.equal(framer.feed(half), undefined)
  assert.equal(framer.feed(Buffer.from('x'))?.length, eventBytesMax + 1)
  assert.equal(framer.isTorn, true)
  assert.equal(framer.feed(Buffer.from('y\n\n'))?.toString(), 'y\n\n')
  assert.equal(framer.isTorn, false)
})

test('data of several lines is joined, a comment is no event, a BOM is skipped', () => {
  const events = parseEvents(Buffer.from('\uFEFFevent: a\ndata: 1\ndata:2\n\n: note\n\ndata\n\n'))
  assert.deepEqual(events, [
    { event: 'a', data: '1\n2' },
    { event: undefined, data: '' },
  ])
})
