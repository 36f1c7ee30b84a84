import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startupPage } from '#shared/lifecycle/startup.ts'

test('a process says what its start waits for, and stays started', () => {
  let lacking: readonly string[] = ['the prices are not read', 'the keys are not known']
  const page = startupPage(() => lacking)
  const ask = () => {
    const { status, text } = page(undefined, '')
    return [status, text]
  }
  const words = 'starting\nthe prices are not read\nthe keys are not known\n'
  assert.deepEqual(ask(), [503, words])
  lacking = []
  assert.deepEqual(ask(), [200, 'started\n'])
  lacking = ['the prices are not read']
  assert.deepEqual(ask(), [200, 'started\n'])
})

test('a process whose start waits for nothing has started once its page is served', () => {
  assert.equal(startupPage()(undefined, '').status, 200)
})
