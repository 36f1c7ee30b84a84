import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dispatcher } from 'undici'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { InboundResponse } from '#shared/http/client.ts'
import { Exchange } from '#shared/http/exchange.ts'
import { manualClock } from '../../manual-clock.ts'

const left = new CallError('client-left', 'Cannot answer: the caller has left')

/** Undici's half of a request, played by the test. */
class Wire implements Dispatcher.DispatchController {
  readonly aborted = false
  readonly paused = false
  readonly reason = null
  readonly did: string[] = []

  abort(): void {
    this.did.push('abort')
  }

  pause(): void {
    this.did.push('pause')
  }

  resume(): void {
    this.did.push('resume')
  }
}

interface Seen {
  head: InboundResponse | undefined
  code: string | undefined
  done: number
}

function stage() {
  const clock = manualClock()
  const cancellation = new Cancellation()
  const seen: Seen = { head: undefined, code: undefined, done: 0 }
  const exchange = new Exchange(
    { headMs: 10_000, idleMs: 10_000, cancellation, clock, peer: 'the peer' },
    {
      resolve: (head) => {
        seen.head = head
      },
      reject: ({ code }) => {
        seen.code = code
      },
      done: () => {
        seen.done++
      },
    },
  )
  exchange.watchCancellation()
  return { clock, cancellation, seen, exchange, wire: new Wire() }
}

test('a request that is given up before it has a connection counts until it is let go', () => {
  for (const how of ['connected', 'failed']) {
    const { clock, cancellation, seen, exchange, wire } = stage()
    cancellation.cancel(left)
    assert.deepEqual([seen.code, seen.done, clock.pending()], ['client-left', 0, 0])
    if (how === 'connected') {
      exchange.onRequestStart(wire)
      assert.deepEqual(wire.did, ['abort'])
    }
    exchange.onResponseError(wire, new Error('aborted'))
    assert.equal(seen.done, 1)
  }
})

test('a request that is given up on its connection counts no longer', () => {
  const { cancellation, seen, exchange, wire } = stage()
  exchange.onRequestStart(wire)
  cancellation.cancel(left)
  assert.deepEqual([seen.code, seen.done, wire.did], ['client-left', 1, ['abort']])
  exchange.onResponseError(wire, new Error('aborted'))
  assert.equal(seen.done, 1)
})

test('a number that is no status is garbage', () => {
  for (const status of [0, 99, 600, 999]) {
    const { clock, seen, exchange, wire } = stage()
    exchange.onRequestStart(wire)
    exchange.onResponseStart(wire, status, {})
    assert.deepEqual([seen.code, seen.head, seen.done], ['upstream-garbage', undefined, 1])
    assert.deepEqual([wire.did, clock.pending()], [['abort'], 0])
  }
})

test('informational heads are passed over', () => {
  const { seen, exchange, wire } = stage()
  exchange.onRequestStart(wire)
  exchange.onResponseStart(wire, 103, {})
  const before = { ...seen }
  exchange.onResponseStart(wire, 200, {})
  assert.deepEqual([before.head, seen.head?.status], [undefined, 200])
})

test('what comes while the reader pauses stays behind what came before it', () => {
  const { seen, exchange, wire } = stage()
  exchange.onRequestStart(wire)
  exchange.onResponseStart(wire, 200, {})
  for (const piece of ['a', 'b']) exchange.onResponseData(wire, Buffer.from(piece))
  const heard: string[] = []
  let isOpen = false
  seen.head?.body.pipe({
    write(piece) {
      heard.push(piece.toString())
      return isOpen
    },
    end: () => heard.push('end'),
    fail: () => heard.push('fail'),
  })
  exchange.onResponseData(wire, Buffer.from('c'))
  assert.deepEqual([heard, wire.did], [['a'], ['pause']])
  isOpen = true
  seen.head?.body.resume()
  assert.deepEqual(
    [heard, wire.did],
    [
      ['a', 'b', 'c'],
      ['pause', 'resume'],
    ],
  )
  exchange.onResponseEnd(wire, {})
  assert.deepEqual(heard, ['a', 'b', 'c', 'end'])
})

test('a body that ends or fails tells its reader at once, also one that has paused', () => {
  for (const ending of ['end', 'fail']) {
    const { clock, cancellation, seen, exchange, wire } = stage()
    exchange.onRequestStart(wire)
    exchange.onResponseStart(wire, 200, {})
    for (const piece of ['a', 'b']) exchange.onResponseData(wire, Buffer.from(piece))
    const heard: string[] = []
    seen.head?.body.pipe({
      write: (piece) => heard.push(piece.toString()) < 0,
      end: () => heard.push('end'),
      fail: () => heard.push('fail'),
    })
    if (ending === 'end') exchange.onResponseEnd(wire, {})
    else cancellation.cancel(left)
    assert.deepEqual(heard, ['a', 'b', ending])
    assert.deepEqual([seen.done, clock.pending()], [1, 0])
  }
})
