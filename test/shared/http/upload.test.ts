import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, IncomingSink } from '#shared/http/call.ts'
import { BodyLedger } from '#shared/http/receive.ts'
import { Upload, type UploadLimits } from '#shared/http/upload.ts'
import { manualClock } from '../../manual-clock.ts'

/** A caller that sends what it is told, and an upload of it. */
function stage(given: Partial<UploadLimits> & { declared?: number; encoding?: string } = {}) {
  const clock = manualClock()
  const cancellation = new Cancellation()
  const ledger = new BodyLedger()
  const atEnd: (() => void)[] = []
  let sink: IncomingSink | undefined
  const caller = { isPaused: false, pauses: 0 }
  const request: CallRequest = {
    method: 'POST',
    path: '/v1/files',
    query: '',
    headers: [],
    body: Buffer.alloc(0),
    incoming: {
      declaredBytes: given.declared,
      contentEncoding: given.encoding,
      read: (to) => {
        sink = to
      },
      pause: () => {
        caller.isPaused = true
        caller.pauses++
      },
      resume: () => {
        caller.isPaused = false
      },
    },
  }
  const limits = { bytesMax: 1_000_000, pauseMs: 1_000, allBytesMax: 500_000, ...given }
  const context = {
    clock,
    cancellation,
    startedMs: 0,
    snapshot: undefined,
    id: '',
    deadlineMs: 0,
    error: undefined,
    atEnd,
  }
  const make = () => new Upload({ request, context, ledger, limits })
  const send = (chunk: string | Buffer) => sink?.data(Buffer.from(chunk))
  return {
    clock,
    cancellation,
    ledger,
    caller,
    make,
    send,
    end: () => sink?.end(),
    leave: () => sink?.gone(),
    close: () => atEnd.forEach((undo) => undo()),
  }
}

const code = ({ cancellation }: { cancellation: Cancellation }) => cancellation.reason?.code

test('what was looked at is sent first, and nothing is held after that', async () => {
  const at = stage()
  const upload = at.make()
  const seen: string[] = []
  const peeking = upload.peek(100, (chunk) => seen.push(chunk.toString()) === 2)
  at.send('one ')
  assert.equal(at.ledger.heldBytes, 4)
  at.send('two ')
  await peeking
  assert.ok(at.caller.isPaused)
  assert.equal(upload.isSent, false)
  const stream = upload.stream()
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(stream, 'data')
  assert.equal(upload.isSent, true)
  assert.equal(at.ledger.heldBytes, 0)
  at.send('three')
  at.end()
  await once(stream, 'end')
  assert.equal(Buffer.concat(chunks).toString(), 'one two three')
  assert.deepEqual(seen, ['one ', 'two '])
})

test('a caller waits while nobody takes what it has sent', async () => {
  const at = stage()
  const stream = at.make().stream()
  stream.read(0)
  await new Promise(setImmediate)
  let sent = 0
  while (!at.caller.isPaused) {
    at.send(Buffer.alloc(16 * 1_024))
    sent += 16 * 1_024
  }
  assert.ok(sent <= 96 * 1_024, `${sent}`)
  // However long that takes, it is not the caller that is slow.
  at.clock.advance(60_000)
  assert.equal(code(at), undefined)
  stream.resume()
  await new Promise(setImmediate)
  assert.equal(at.caller.isPaused, false)
  at.close()
})

test('a caller that stops, leaves or sends too much ends the call', async () => {
  const begin = (given: Parameters<typeof stage>[0] = {}) => {
    const at = stage(given)
    const stream = at.make().stream()
    stream.resume()
    stream.read(0)
    return { ...at, stream }
  }
  const slow = begin()
  await new Promise(setImmediate)
  slow.send('x')
  slow.clock.advance(999)
  assert.equal(code(slow), undefined)
  slow.clock.advance(2)
  assert.equal(code(slow), 'body-slow')
  const left = begin()
  await new Promise(setImmediate)
  left.send('x')
  left.leave()
  assert.equal(code(left), 'client-left')
  assert.ok(left.stream.destroyed)
  const large = begin({ bytesMax: 10 })
  await new Promise(setImmediate)
  large.send('x'.repeat(11))
  assert.equal(code(large), 'body-too-large')
})

test('one that says that it is too large, or comes packed, is refused unread', () => {
  const thrown = (given: Parameters<typeof stage>[0]) => {
    try {
      stage(given).make()
    } catch (error) {
      return error instanceof CallError ? error.code : error
    }
    return undefined
  }
  assert.equal(thrown({ declared: 1_000_001 }), 'body-too-large')
  assert.equal(thrown({ declared: 1_000_000 }), undefined)
  assert.equal(thrown({ encoding: 'gzip' }), 'encoding-unsupported')
})

test('what is looked at has a bound of all calls, and is given back', async () => {
  const at = stage({ allBytesMax: 8 })
  const peeking = at.make().peek(100, () => false)
  at.send('12345678')
  at.send('9')
  await assert.rejects(peeking, (error: unknown) => {
    return error instanceof CallError && error.code === 'bodies-full'
  })
  assert.equal(at.ledger.heldBytes, 0)
})

test('a filter that finds fault ends the call, and the server gets no end', async () => {
  const at = stage()
  const stream = at.make().stream({
    feed: (chunk) => chunk,
    end() {
      throw new CallError('malformed-request', 'Cannot read the form')
    },
  })
  stream.resume()
  await new Promise(setImmediate)
  at.send('x')
  at.end()
  assert.equal(code(at), 'malformed-request')
  assert.ok(stream.destroyed)
  assert.equal(stream.readableEnded, false)
})
