import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { sentence } from './model-server.ts'
import { hear, ResumedCall } from './stage.ts'

const breaks = { atByte: 900, as: 'upstream-reset' } as const

/** A call whose first server has broken and whose second one is waited for, and its reader. */
async function between() {
  const call = new ResumedCall({ servers: [{ breaks }, { waits: true }] })
  const { body } = await call.head()
  const reader = { text: '', isOpen: true, ended: '', writes: 0 }
  body.pipe({
    write(chunk) {
      reader.text += chunk.toString()
      reader.writes++
      return reader.isOpen
    },
    end() {
      reader.ended = 'end'
    },
    fail({ code }) {
      reader.ended = code
    },
  })
  await until(() => call.waiting.length === 1)
  return { call, body, reader }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !isSo(); turn++) await Promise.resolve()
  assert.ok(isSo())
}

test('comments keep the caller’s connection alive until the next replica answers', async () => {
  const { call, reader } = await between()
  const before = reader.text
  call.clock.advance(45_000)
  assert.equal(reader.text.slice(before.length), ': keep-alive\n\n'.repeat(3))
  call.waiting[0]?.()
  await until(() => reader.ended === 'end')
  const { length } = reader.text
  call.clock.advance(45_000)
  assert.equal(reader.text.length, length)
  assert.equal(hear(reader.text).text, sentence)
  call.close()
})

test('a caller that pauses is given nothing by the next replica either', async () => {
  const { call, body, reader } = await between()
  reader.isOpen = false
  call.clock.advance(15_000)
  const { writes } = reader
  call.clock.advance(45_000)
  call.waiting[0]?.()
  await until(() => call.streams.length === 2)
  for (let turn = 0; turn < 100; turn++) await Promise.resolve()
  assert.equal(reader.writes, writes)
  let resumes = 0
  while (reader.ended === '' && resumes++ < 1_000) body.resume()
  assert.equal(hear(reader.text).text, sentence)
  // One at a time, as it was asked for.
  assert.ok(reader.writes - writes <= resumes + 1)
  call.close()
})

test('a caller that leaves meanwhile is followed by no replica, and settled by what it was given', async () => {
  const { call, body, reader } = await between()
  const left = new CallError('client-left', 'Cannot go on: the caller left')
  call.context.cancellation.cancel(left)
  body.cancel()
  const { usage } = call
  assert.ok(usage.input === 9 && usage.output > 0, JSON.stringify(usage))
  for (let turn = 0; turn < 100; turn++) await Promise.resolve()
  assert.deepEqual([call.streams.length, reader.ended, call.clock.pending()], [1, '', 0])
  call.close()
})

test('a body that is dropped meanwhile takes no answer any more', async () => {
  const { call, body } = await between()
  body.cancel()
  call.waiting[0]?.()
  await until(() => call.streams.length === 2)
  for (let turn = 0; turn < 100; turn++) await Promise.resolve()
  assert.ok(call.streams[1]?.isCancelled)
  assert.equal(call.clock.pending(), 0)
  call.close()
})

test('a deadline that passes meanwhile ends the stream as it broke', async () => {
  const { call, reader } = await between()
  call.context.cancellation.cancel(new CallError('deadline-exceeded', 'Cannot finish: late'))
  await until(() => reader.ended === 'end')
  const heard = hear(reader.text)
  assert.deepEqual([heard.errors, heard.isDone], [1, false])
  assert.equal(call.context.error?.code, 'upstream-reset')
  assert.deepEqual(call.verdicts, ['http://a:1 failure'])
  call.close()
})

test('a caller that leaves the second part stops the second replica', async () => {
  const { call, body, reader } = await between()
  reader.isOpen = false
  call.waiting[0]?.()
  await until(() => call.streams.length === 2)
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  body.cancel()
  assert.ok(call.streams[1]?.isCancelled)
  call.close()
})
