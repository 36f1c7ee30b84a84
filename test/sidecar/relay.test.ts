import assert from 'node:assert/strict'
import { test } from 'node:test'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import { relay } from '../../sidecar/relay.ts'
import { manualClock } from '../manual-clock.ts'
import { callOf } from './sidecar-call.ts'

/** A stream of an ambassador that does as it is told. */
class Told implements Body {
  sink: BodySink | undefined

  pipe(sink: BodySink): void {
    this.sink = sink
  }

  resume(): void {}
  cancel(): void {}
}

function stage(path = '/v1/chat/completions') {
  const context = callOf(manualClock())
  context.surface = surfaceOf(path)
  const body = new Told()
  const headers = ['content-type', 'text/event-stream']
  const heard: string[] = []
  relay({ status: 200, headers, body, trailers: () => ({}) }, context).pipe({
    write: (chunk) => heard.push(chunk.toString()) > 0,
    end: () => heard.push('end'),
    fail: ({ code }) => heard.push(code),
  })
  const say = (text: string) => body.sink?.write(Buffer.from(text))
  return { context, heard, say, sink: () => body.sink }
}

const event = 'data: {"choices":[]}\n\n'

test('a stream that ends in order between events is whole', () => {
  const { context, heard, say, sink } = stage()
  say(event)
  sink()?.end()
  assert.deepEqual(heard, [event, 'end'])
  assert.equal(context.error, undefined)
})

test('a stream that ends in order inside an event ends with an error event', () => {
  const { context, heard, say, sink } = stage()
  say(`${event}data: {"cho`)
  sink()?.end()
  assert.equal(context.error?.code, 'upstream-early-end')
  const [whole, error, end] = heard
  assert.deepEqual([whole, end, heard.length], [event, 'end', 3])
  assert.match(error ?? '', /^data: \{"error":\{.*"code":"upstream-early-end"\}\}\n\n$/)
})

test('a stream that ends in order inside an event over the limit is reset', () => {
  const { context, heard, say, sink } = stage()
  say(`data: ${'x'.repeat(1024 * 1024)}`)
  sink()?.end()
  assert.equal(context.error?.code, 'upstream-early-end')
  assert.equal(heard.at(-1), 'upstream-early-end')
})

test('a stream that breaks ends with the error event of what broke it', () => {
  const { context, heard, say, sink } = stage()
  say(`${event}data: {"cho`)
  sink()?.fail(new CallError('upstream-reset', 'Cannot read: reset'))
  assert.equal(context.error?.code, 'upstream-reset')
  assert.match(heard[1] ?? '', /"code":"upstream-reset"/)
  assert.equal(heard.at(-1), 'end')
})

test('a stream of Responses that breaks ends with an error event and the next number', () => {
  const { heard, say, sink } = stage('/v1/responses')
  say('event: response.created\ndata: {"type":"response.created","sequence_number":7}\n\n: x\n\n')
  sink()?.fail(new CallError('upstream-reset', 'Cannot read: reset'))
  assert.match(
    heard[1] ?? '',
    /^event: error\ndata: \{"type":"error","code":"upstream-reset",.*"sequence_number":8\}\n\n$/,
  )
  assert.equal(heard.at(-1), 'end')
})
