import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { Counter, type InputCount } from '#shared/tokens/counter.ts'
import { Encodings } from '#shared/tokens/encodings.ts'
import type { SidecarCall } from '../../sidecar/call.ts'
import { count } from '../../sidecar/count.ts'
import { manualClock } from '../manual-clock.ts'
import { byBytes, callOf } from './sidecar-call.ts'

/** Answers as it is told, whatever it is asked. */
class Told extends Counter {
  readonly #counted: InputCount | Promise<InputCount | undefined>

  constructor(counted: InputCount | Promise<InputCount | undefined>) {
    super(() => Promise.resolve(), new Encodings(() => {}))
    this.#counted = counted
  }

  override count(): InputCount | Promise<InputCount | undefined> {
    return this.#counted
  }
}

const exact: InputCount = { tokens: 5, exactness: 'exact' }

const lines: string[] = []
const log = createLog({
  level: 'info',
  half: 'sidecar',
  clock: manualClock(),
  destination: { write: (line) => void lines.push(line) },
})

/** Whether the inner service has been asked, beside what the layer gives. */
function asked(counter: Counter, call: SidecarCall) {
  const seen = { reached: false, result: Promise.resolve<unknown>(undefined) }
  const layer = count({ counter, log: () => log })((_request, _context) => {
    seen.reached = true
    return new Promise<CallResponse>(() => {})
  })
  const request = {} as CallRequest
  seen.result = layer(request, call)
  seen.result.catch(() => {})
  return seen
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))

test('what is counted at once goes on at once', () => {
  const call = callOf(manualClock())
  const { reached } = asked(new Told(exact), call)
  assert.deepEqual([reached, call.input, call.question], [true, exact, undefined])
})

test('a call waits for its count, and undoes its timer', async () => {
  const clock = manualClock()
  const call = callOf(clock)
  const seen = asked(new Told(Promise.resolve(exact)), call)
  assert.equal(seen.reached, false)
  await turn()
  assert.deepEqual([seen.reached, call.input, clock.pending()], [true, exact, 0])
})

test('a call goes on with the estimate after count.wait, and the count follows', async () => {
  const clock = manualClock()
  const call = callOf(clock)
  let finish: (count: InputCount) => void = () => {}
  const counted = new Promise<InputCount>((resolve) => {
    finish = resolve
  })
  const seen = asked(new Told(counted), call)
  clock.advance(49)
  await turn()
  assert.equal(seen.reached, false)
  clock.advance(1)
  await turn()
  assert.deepEqual([seen.reached, call.input], [true, byBytes])
  finish(exact)
  await turn()
  assert.equal(call.input, exact)
})

test('no count, whatever the reason, is no reason to refuse', async () => {
  for (const give of [() => Promise.resolve(undefined), () => Promise.reject(new Error('x'))]) {
    const call = callOf(manualClock())
    const seen = asked(new Told(give()), call)
    await turn()
    assert.deepEqual([seen.reached, call.input], [true, byBytes])
  }
  // What failed is told, once.
  log.flush()
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)['name']),
    ['Error'],
  )
})

test('a caller that leaves while it is counted ends its call', async () => {
  const clock = manualClock()
  const call = callOf(clock)
  const seen = asked(new Told(new Promise(() => {})), call)
  call.cancellation.cancel(new CallError('client-left', 'Cannot go on: the caller has left'))
  await assert.rejects(seen.result, { code: 'client-left' })
  assert.equal(seen.reached, false)
})
