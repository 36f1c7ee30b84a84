import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import { CommittingStream } from '../../../ambassador/attempt/committing-stream.ts'
import { StreamWatch } from '../../../ambassador/attempt/stream-watch.ts'
import { manualClock } from '../../manual-clock.ts'

/** A provider's stream that does as it is told. */
class Told implements Body {
  sink: BodySink | undefined
  resumed = 0
  isCancelled = false

  pipe(sink: BodySink): void {
    this.sink = sink
  }

  resume(): void {
    this.resumed++
  }

  cancel(): void {
    this.isCancelled = true
  }
}

const late = new CallError('deadline-exceeded', 'Cannot finish: late')

function stage(holdBytes: number, dialect: Dialect = 'chat') {
  const clock = manualClock()
  const upstream = new Told()
  const failures: string[] = []
  const stream = new CommittingStream({
    upstream,
    watch: new StreamWatch(dialect, false),
    dialect,
    clock,
    call: 'c',
    limits: { holdMs: 1_000, holdBytes, keepAliveMs: 1_000, firstContentMs: 10_000 },
    onContent() {},
    inOwnWords: (error) => error,
    onFailure: ({ code }) => failures.push(code),
  })
  const heard: string[] = []
  const reader = {
    isOpen: false,
    write(chunk: Buffer): boolean {
      const text = chunk.toString()
      heard.push(/"code":"([a-z-]+)"/.exec(text)?.[1] ?? text)
      return reader.isOpen
    },
    end: () => heard.push('end'),
    fail: ({ code }: CallError) => heard.push(`reset: ${code}`),
  }
  const say = (text: string) => upstream.sink?.write(Buffer.from(text)) ?? false
  return { clock, upstream, stream, failures, heard, reader, say }
}

function event(content: string, finish: string | null = null): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: finish }]
  return `data: ${JSON.stringify({ choices })}\n\n`
}

const role = event('')
const done = 'data: [DONE]\n\n'

test('a failure waits for no reader that has paused, and comes behind what was held', async () => {
  const { clock, upstream, stream, failures, heard, reader, say } = stage(1_000)
  say(role)
  say(event('a'))
  await stream.committed
  assert.equal(say(event('b')), false)
  stream.pipe(reader)
  assert.deepEqual(heard, [role])
  upstream.sink?.fail(late)
  assert.deepEqual(heard, [role, event('a'), event('b'), 'deadline-exceeded', 'end'])
  assert.deepEqual([failures, upstream.isCancelled], [['deadline-exceeded'], true])
  assert.equal(clock.pending(), 0)
  stream.resume()
  assert.deepEqual([heard.length, upstream.resumed], [5, 0])
})

test('an end waits for no reader that has paused', async () => {
  const { upstream, stream, failures, heard, reader, say } = stage(1_000)
  say(event('a', 'stop'))
  await stream.committed
  stream.pipe(reader)
  say(done)
  upstream.sink?.end()
  assert.deepEqual(heard, [event('a', 'stop'), done, 'end'])
  assert.deepEqual(failures, [])
})

test('a failure before there is a reader is told to the one that comes', async () => {
  for (const torn of [false, true]) {
    const { upstream, stream, heard, reader, say } = stage(1_000)
    say(event('a'))
    await stream.committed
    if (torn) say(`data: ${'x'.repeat(1024 * 1024)}`)
    upstream.sink?.fail(late)
    stream.pipe(reader)
    const end = torn ? ['reset: deadline-exceeded'] : ['deadline-exceeded', 'end']
    assert.deepEqual([heard[0], ...heard.slice(torn ? 2 : 1)], [event('a'), ...end])
  }
})

test('a stream that ends in order before its last event, or inside one, has ended early', async () => {
  for (const last of ['', 'data: {"cho', 'data: [DONE]\n']) {
    const { upstream, stream, failures, heard, reader, say } = stage(1_000)
    say(event('a'))
    await stream.committed
    stream.pipe(reader)
    say(last)
    upstream.sink?.end()
    assert.deepEqual(heard, [event('a'), 'upstream-early-end', 'end'])
    assert.deepEqual(failures, ['upstream-early-end'])
  }
})

test('a reader that goes on is given what was held, then the provider goes on', async () => {
  const { upstream, stream, heard, reader, say } = stage(1_000)
  say(role)
  say(event('a'))
  await stream.committed
  stream.pipe(reader)
  reader.isOpen = true
  stream.resume()
  assert.deepEqual([heard, upstream.resumed], [[role, event('a')], 1])
  assert.equal(say(event('b')), true)
  assert.deepEqual(heard, [role, event('a'), event('b')])
})

test('a comment goes to a reader that waits for content, and is kept for nobody', async () => {
  const { clock, upstream, stream, heard, reader, say } = stage(1_000)
  say(role)
  clock.advance(1_000)
  await stream.committed
  clock.advance(1_000)
  reader.isOpen = true
  stream.pipe(reader)
  clock.advance(1_000)
  assert.deepEqual(heard, [role, ': keep-alive\n\n'])
  stream.cancel()
  assert.deepEqual([upstream.isCancelled, clock.pending()], [true, 0])
})

test('what breaks behind the last event of a response is no end of its own', async () => {
  const { upstream, stream, failures, heard, reader, say } = stage(1_000, 'responses')
  const response = { object: 'response', status: 'completed', output: [] }
  const last = `data: ${JSON.stringify({ type: 'response.completed', response })}\n\n`
  say(last)
  await stream.committed
  reader.isOpen = true
  stream.pipe(reader)
  upstream.sink?.fail(late)
  assert.deepEqual([heard, failures], [[last, 'end'], []])
  assert.equal(upstream.isCancelled, true)
})

test('the rest of an event over the limit is no event, wherever its pieces are cut', () => {
  const begins = `data: ${'x'.repeat(1024 * 1024)}`
  const rest = 'data: x data: {}\n\n'
  const last = 'data: [DONE]\n\n'
  for (const dialect of ['chat', 'responses'] as const) {
    const closing = dialect === 'chat' ? last : 'data: {"type":"response.completed"}\n\n'
    for (let cut = 0; cut <= rest.length; cut++) {
      const { upstream, stream, heard, reader, say } = stage(1_000, dialect)
      stream.pipe(reader)
      reader.isOpen = true
      say(event('a'))
      say(begins)
      if (cut > 0) say(rest.slice(0, cut))
      say(rest.slice(cut) + closing)
      upstream.sink?.end()
      assert.equal(
        heard.join(''),
        `${event('a')}${begins}${rest}${closing}end`,
        `${dialect}, cut at ${cut}`,
      )
    }
  }
})
