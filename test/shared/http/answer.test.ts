import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Body, type BodySink, bytesBody } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { type Ending, withEnding } from '#shared/http/ending.ts'
import { startServer } from '#shared/http/server.ts'
import { manualClock } from '../../manual-clock.ts'

const limits = { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 }
const late = new CallError('deadline-exceeded', 'Cannot finish: late')

/** More than every buffer of the kernel on the way. */
const muchBytes = 64 * 1024 * 1024

/** Gives pieces for as long as they are taken; `stuck` resolves at the first that is not. */
class Endless implements Body {
  readonly stuck: Promise<void>
  isCancelled = false
  #onStuck: () => void = () => {}
  #sink: BodySink | undefined

  constructor() {
    this.stuck = new Promise((resolve) => {
      this.#onStuck = resolve
    })
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.resume()
  }

  resume(): void {
    const piece = Buffer.alloc(1024 * 1024)
    while (this.#sink?.write(piece) === true);
    this.#onStuck()
  }

  end(): void {
    this.#sink?.write(Buffer.from('last words'))
    this.#sink?.end()
  }

  cancel(): void {
    this.isCancelled = true
    this.#sink = undefined
  }
}

/** A server on a clock of its own that gives every question the same answer. */
async function serve(t: TestContext, give: () => CallResponse) {
  const clock = manualClock()
  const cancellations: Cancellation[] = []
  let told: () => void = () => {}
  const closed = new Promise<void>((resolve) => {
    told = resolve
  })
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    limits,
    clock,
    service: () => Promise.resolve(give()),
    open(cancellation) {
      cancellations.push(cancellation)
      return cancellation
    },
    close: () => told(),
    onDefect: (error) => assert.fail(String(error)),
  })
  t.after(async () => {
    server.destroy()
    await server.close()
  })
  return { clock, cancellations, closed, server }
}

function ask(t: TestContext, port: number, method = 'GET'): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`${method} / HTTP/1.1\r\nhost: x\r\n\r\n`)
  t.after(() => socket.destroy())
  return socket
}

test('a caller that reads nothing keeps its place for 2 s beyond the end of its call', async (t) => {
  for (const ends of [true, false]) {
    const body = new Endless()
    const { clock, cancellations, closed, server } = await serve(t, () => ({
      status: 200,
      headers: [],
      body,
    }))
    ask(t, server.port).pause()
    await body.stuck
    cancellations[0]?.cancel(late)
    if (ends) body.end()
    clock.advance(1_999)
    assert.equal(server.inFlight(), 1)
    clock.advance(1)
    await closed
    assert.deepEqual([server.inFlight(), clock.pending()], [0, 0])
    assert.equal(body.isCancelled, !ends)
  }
})

test('a caller that leaves what is left of its answer keeps its place for a minute', async (t) => {
  const { clock, closed, server } = await serve(t, () => ({
    status: 503,
    headers: ['content-length', String(muchBytes)],
    body: bytesBody(Buffer.alloc(muchBytes)),
  }))
  const socket = ask(t, server.port)
  await once(socket, 'readable')
  assert.equal(clock.pending(), 1)
  clock.advance(59_999)
  assert.equal(server.inFlight(), 1)
  clock.advance(1)
  await closed
  assert.deepEqual([server.inFlight(), clock.pending()], [0, 0])
})

test('an answer that the kernel takes at once is given no timer', async (t) => {
  const { clock, closed, server } = await serve(t, () => ({
    status: 200,
    headers: ['content-length', '1000'],
    body: bytesBody(Buffer.alloc(1_000)),
  }))
  let timers = 0
  const { after } = clock
  clock.after = (delayMs, action) => {
    timers++
    return after(delayMs, action)
  }
  ask(t, server.port).resume()
  await closed
  assert.equal(timers, 0)
})

test('an answer without a body ends as one that was read', async (t) => {
  for (const [status, method] of [
    [204, 'GET'],
    [304, 'GET'],
    [200, 'HEAD'],
  ] as const) {
    const endings: Ending[] = []
    const { closed, server } = await serve(t, () => ({
      status,
      headers: ['trailer', 'x-usage'],
      body: withEnding(bytesBody(Buffer.from('for nobody')), (ending) => endings.push(ending)),
      trailers: () => [['x-usage', '1']],
    }))
    const socket = ask(t, server.port, method)
    const [head] = await once(socket, 'data')
    await closed
    assert.match(String(head), new RegExp(`^HTTP/1.1 ${status} [^]*\r\n\r\n$`))
    assert.deepEqual(endings, [{ kind: 'complete' }])
  }
})
