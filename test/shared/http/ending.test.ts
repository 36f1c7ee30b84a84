import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { type Body, type BodySink, bytesBody } from '#shared/http/body.ts'
import { type Ending, withEnding } from '#shared/http/ending.ts'

/** A body whose source the test plays. */
function scripted() {
  let sink: BodySink | undefined
  let isCancelled = false
  const body: Body = {
    pipe: (given) => {
      sink = given
    },
    resume: () => {},
    cancel: () => {
      isCancelled = true
    },
  }
  return { body, sink: () => sink, isCancelled: () => isCancelled }
}

const deaf: BodySink = { write: () => true, end: () => {}, fail: () => {} }

test('a body read to its end ends complete, once', () => {
  const endings: Ending[] = []
  const body = withEnding(bytesBody(Buffer.from('x')), (ending) => endings.push(ending))
  body.pipe(deaf)
  body.cancel()
  assert.deepEqual(endings, [{ kind: 'complete' }])
})

test('a body that fails ends failed with its error', () => {
  const endings: Ending[] = []
  const { body, sink } = scripted()
  withEnding(body, (ending) => endings.push(ending)).pipe(deaf)
  const error = new CallError('upstream-reset', 'Cannot read: gone')
  sink()?.fail(error)
  assert.deepEqual(endings, [{ kind: 'failed', error }])
})

test('a body left half-way ends dropped and its source is released', () => {
  const endings: Ending[] = []
  const { body, isCancelled } = scripted()
  const watched = withEnding(body, (ending) => endings.push(ending))
  watched.pipe(deaf)
  watched.cancel()
  assert.deepEqual(endings, [{ kind: 'dropped' }])
  assert.equal(isCancelled(), true)
})

test('a body that nobody reads ends unread', () => {
  const endings: Ending[] = []
  const { body, isCancelled } = scripted()
  withEnding(body, (ending) => endings.push(ending)).cancel()
  assert.deepEqual(endings, [{ kind: 'unread' }])
  assert.equal(isCancelled(), true)
})
