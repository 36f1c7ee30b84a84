import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import { PeekedBody } from '../../../ambassador/retry/peeked-body.ts'

/** A source that gives a chunk whenever it may. */
class Chunks implements Body {
  readonly #chunks: Buffer[]
  readonly #error: CallError | undefined
  #sink: BodySink | undefined
  #isPaused = false
  isCancelled = false

  constructor(chunks: readonly Buffer[], error: CallError | undefined) {
    this.#chunks = [...chunks]
    this.#error = error
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.#run()
  }

  resume(): void {
    this.#isPaused = false
    this.#run()
  }

  cancel(): void {
    this.isCancelled = true
    this.#sink = undefined
  }

  #run(): void {
    while (!this.#isPaused) {
      const sink = this.#sink
      const chunk = this.#chunks.shift()
      if (sink === undefined) return
      if (chunk === undefined) {
        this.#sink = undefined
        if (this.#error === undefined) sink.end()
        else sink.fail(this.#error)
        return
      }
      if (!sink.write(chunk)) this.#isPaused = true
    }
  }
}

/** Reads, refusing every chunk at first: the slowest reader there is. */
function readSlowly(body: Body): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    body.pipe({
      write(chunk) {
        text += chunk.toString('latin1')
        setImmediate(() => body.resume())
        return false
      },
      end: () => resolve(text),
      fail: reject,
    })
  })
}

const chunk = fc.uint8Array({ minLength: 1, maxLength: 50 }).map((bytes) => Buffer.from(bytes))

test('every byte passes, whatever its length, its chunks and the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 8 }), fc.nat(100), async (chunks, limit) => {
      const peeked = new PeekedBody(new Chunks(chunks, undefined), limit)
      const all = Buffer.concat(chunks)
      const whole = await peeked.whole
      assert.deepEqual(whole, all.length <= limit ? all : undefined)
      assert.equal(await readSlowly(peeked), all.toString('latin1'))
    }),
    { numRuns: 50 },
  )
})

test('a body that breaks off is not whole, and breaks off for its reader', async () => {
  const error = new CallError('upstream-reset', 'Cannot read: reset')
  const peeked = new PeekedBody(new Chunks([Buffer.from('a')], error), 10)
  assert.equal(await peeked.whole, undefined)
  await assert.rejects(readSlowly(peeked), error)
})

test('what nobody reads is released', async () => {
  const source = new Chunks([Buffer.alloc(20)], undefined)
  const peeked = new PeekedBody(source, 10)
  await peeked.whole
  peeked.cancel()
  assert.equal(source.isCancelled, true)
})

test('a failure waits for no reader that has paused', async () => {
  const error = new CallError('deadline-exceeded', 'Cannot finish: late')
  const pieces = ['a', 'b', 'c'].map((text) => Buffer.from(text))
  const peeked = new PeekedBody(new Chunks(pieces, error), 10)
  await peeked.whole
  const heard: string[] = []
  peeked.pipe({
    write: (piece) => heard.push(piece.toString()) < 0,
    end: () => heard.push('end'),
    fail: ({ code }) => heard.push(code),
  })
  assert.deepEqual(heard, ['a', 'b', 'c', 'deadline-exceeded'])
})

test('a reader that pauses is given nothing until it goes on', async () => {
  const pieces = ['aa', 'bb', 'cc', 'dd'].map((text) => Buffer.from(text))
  const peeked = new PeekedBody(new Chunks(pieces, undefined), 5)
  assert.equal(await peeked.whole, undefined)
  const heard: string[] = []
  peeked.pipe({
    write: (piece) => heard.push(piece.toString()) < 0,
    end: () => heard.push('end'),
    fail: ({ code }) => heard.push(code),
  })
  for (const seen of [['aa'], ['aa', 'bb'], ['aa', 'bb', 'cc']]) {
    assert.deepEqual(heard, seen)
    peeked.resume()
  }
})
