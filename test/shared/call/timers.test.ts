import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { after } from '#shared/call/timers.ts'

/** Resolves with how long `after` took for `delayMs`. */
function elapsed(delayMs: number): Promise<number> {
  const startedMs = performance.now()
  return new Promise((resolve) => void after(delayMs, () => resolve(performance.now() - startedMs)))
}

test('a timer is never early, exact or coarse', async () => {
  const delays = [20, 1_000, 1_001, 1_100]
  const taken = await Promise.all(delays.map(elapsed))
  taken.forEach((ms, at) => {
    // Node counts whole milliseconds, from the beginning of the turn in which it was set.
    assert.ok(ms >= (delays[at] ?? 0) - 1, `${delays[at]} ms took ${ms}`)
  })
})

test('timers of one lane fire in their order, but for those that were undone', async () => {
  const fired: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const undo = after(1_000, () => fired.push('undone first'))
  after(1_000, () => fired.push('one'))
  const between = after(1_000, () => fired.push('undone between'))
  after(1_000, () => {
    fired.push('two')
    // While the lane fires, another of it may be undone and another added.
    last()
    after(1_000, () => {
      fired.push('added')
      resolve()
    })
  })
  const last = after(1_000, () => fired.push('undone last'))
  undo()
  undo()
  between()
  await promise
  assert.deepEqual(fired, ['one', 'two', 'added'])
})

test('a lane that was emptied and filled again fires', async () => {
  after(1_200, () => {})()
  assert.ok((await elapsed(1_200)) >= 1_199)
})

test('a process ends where every timer has been undone, and waits for one that has not', async () => {
  const run = (code: string) =>
    promisify(execFile)(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { after } from '${import.meta.resolve('#shared/call/timers.ts')}'\n${code}`,
      ],
      { timeout: 30_000 },
    )
  // Ten minutes: the test's own limit is shorter.
  assert.equal((await run("after(600_000, () => {})(); console.log('set')")).stdout, 'set\n')
  const again = "after(1_000, () => {})(); after(1_000, () => console.log('fired'))"
  assert.equal((await run(again)).stdout, 'fired\n')
})

test('a timer that repeats keeps no other of its delay waiting', async () => {
  const fired: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  let undo = () => {}
  const repeat = () => {
    fired.push('repeats')
    undo = after(1_000, repeat)
  }
  repeat()
  await elapsed(300)
  after(1_000, () => {
    fired.push('other')
    resolve()
  })
  await promise
  undo()
  // However late they are: timers fire in the order in which they are due.
  assert.deepEqual(fired, ['repeats', 'repeats', 'other'])
})

test('whoever keeps the undo of one keeps none of those that were undone behind it', async () => {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  assert.ok(typeof collect === 'function')
  const kept = after(60_000, () => {})
  const held = (() => {
    const call = { id: 'a call' }
    const undo = after(60_000, () => assert.fail(call.id))
    kept()
    undo()
    return new WeakRef(call)
  })()
  // What a WeakRef was made for lives to the end of the turn.
  await new Promise((next) => setImmediate(next))
  collect()
  assert.equal(held.deref(), undefined)
  kept()
})
