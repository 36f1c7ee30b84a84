import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WaitingRoom } from '#shared/tokens/waiting-room.ts'

const mib = 1024 * 1024

test('questions that wait hold at most 32 MiB together', () => {
  const room = new WaitingRoom()
  assert.ok(room.enter(20 * mib))
  assert.ok(room.enter(12 * mib))
  assert.ok(!room.enter(1))
  room.leave(20 * mib)
  assert.ok(room.enter(20 * mib))
})

test('one question alone may hold more', () => {
  const room = new WaitingRoom()
  assert.ok(room.enter(100 * mib))
  assert.ok(!room.enter(1))
  room.leave(100 * mib)
  assert.ok(room.enter(1))
})

test('at most 64 questions wait', () => {
  const room = new WaitingRoom()
  for (let at = 0; at < 64; at++) assert.ok(room.enter(0))
  assert.ok(!room.enter(0))
})
