import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CountingQueue } from '#shared/tokens/counting-queue.ts'

const pause = () => Promise.resolve()

/** Tells `log` of each step; done with the last of `steps`. */
function jobOf(name: string, steps: number, log: string[]) {
  let left = steps
  return {
    isWanted: () => true,
    step: () => {
      log.push(name)
      left--
      return left === 0
    },
  }
}

test('each job has its turn: a short one does not wait for a long one', async () => {
  const log: string[] = []
  const queue = new CountingQueue(pause)
  const done = [queue.run(jobOf('long', 4, log)), queue.run(jobOf('short', 1, log))]
  assert.deepEqual(await Promise.all(done), [true, true])
  assert.deepEqual(log, ['long', 'short', 'long', 'long', 'long'])
})

test('a job that nobody wants takes no step more', async () => {
  const log: string[] = []
  const queue = new CountingQueue(pause)
  const job = { ...jobOf('left', 9, log), isWanted: () => log.length < 2 }
  assert.equal(await queue.run(job), false)
  assert.equal(log.length, 2)
})

test('a job that fails fails alone, and the queue goes on', async () => {
  const log: string[] = []
  const queue = new CountingQueue(pause)
  const broken = {
    isWanted: () => true,
    step: () => {
      throw new Error('broken')
    },
  }
  const failed = assert.rejects(queue.run(broken), { message: 'broken' })
  assert.equal(await queue.run(jobOf('next', 2, log)), true)
  await failed
  assert.equal(await queue.run(jobOf('later', 1, log)), true)
})
