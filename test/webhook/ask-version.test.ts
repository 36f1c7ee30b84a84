import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { askVersion } from '#deploy/webhook/ask-version.ts'
import { localError } from '#shared/kubernetes/kubernetes-error.ts'
import { manualClock } from '../manual-clock.ts'

/** An API server whose answers are written down; a missing one is none. */
function asking(answers: readonly (string | undefined)[]) {
  const clock = manualClock()
  const versions: string[] = []
  const logged: string[] = []
  let asked = 0
  const note = (_fields: object, message: string) => void logged.push(message)
  const stop = askVersion({
    clock,
    log: { info: note, warn: note },
    onVersion: (version) => void versions.push(version),
    api: {
      async text() {
        const answer = answers[asked++]
        if (answer === undefined) throw localError('Unreachable', 'GET /version', 'refused')
        return answer
      },
    },
  })
  return { clock, versions, logged, stop, asked: () => asked }
}

const good = '{"major":"1","gitVersion":"v1.29.4"}'

test('the version is asked for until it is said, and then no more', async () => {
  const { clock, versions, logged, asked } = asking([undefined, 'a proxy’s page', '{}', good])
  for (let turn = 0; turn < 10; turn++) {
    await setImmediate()
    clock.advance(60_000)
  }
  assert.deepEqual(versions, ['v1.29.4'])
  assert.equal(asked(), 4)
  assert.equal(clock.pending(), 0)
  assert.equal(logged.length, 2)
})

test('the waits double up to a minute', async () => {
  const { clock, asked, stop } = asking([])
  const waits: number[] = []
  for (let turn = 0; turn < 10; turn++) {
    await setImmediate()
    const before = asked()
    let waitMs = 0
    while (asked() === before) {
      clock.advance(500)
      waitMs += 500
    }
    waits.push(waitMs)
  }
  for (const [at, waitMs] of waits.entries()) {
    const wholeMs = Math.min(1_000 * 2 ** at, 60_000)
    assert.ok(waitMs >= wholeMs / 2 && waitMs <= wholeMs, `${at}: ${waitMs}`)
  }
  stop()
})

test('what is stopped asks no more, even with a question under way', async () => {
  const { clock, asked, stop, versions } = asking([undefined, good])
  stop()
  await setImmediate()
  clock.advance(600_000)
  assert.equal(asked(), 1)
  assert.equal(clock.pending(), 0)
  assert.deepEqual(versions, [])
})
