import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Watchdog } from '#shared/lifecycle/watchdog.ts'
import type { Log, LogFields } from '#shared/telemetry/access-log.ts'
import { manualClock } from '#test/manual-clock.ts'

/** A loop that can be blocked: time passes and no timer comes until it is over. */
function stage() {
  const clock = manualClock()
  let extraMs = 0
  let cpuMs = 0
  const lines: LogFields[] = []
  const said = (fields: LogFields) => void lines.push(fields)
  const quiet = () => {}
  const log: Log = {
    debug: quiet,
    info: quiet,
    warn: said,
    error: said,
    accessLine: quiet,
    setLevel: quiet,
    flush: quiet,
  }
  let stopped = 0
  const watchdog = new Watchdog({
    clock: { ...clock, now: () => clock.now() + extraMs },
    log,
    facts: () => ({ inFlight: 3 }),
    cpuMs: () => cpuMs,
    locate: async () => ({ busiest: (ms) => [`slow ${ms} ms`], stop: () => void stopped++ }),
  })
  return {
    clock,
    lines,
    watchdog,
    stopped: () => stopped,
    block(ms: number, cpu: number) {
      extraMs += ms
      cpuMs += cpu
      clock.advance(250)
    },
  }
}

test('a blocked event loop is told of afterwards: how long, and by what', () => {
  const { clock, lines, watchdog, block } = stage()
  watchdog.apply({ blockedAfter: 500, locateBlocks: false })
  clock.advance(1_000)
  block(400, 400)
  assert.deepEqual(lines, [])
  block(800, 790)
  assert.deepEqual(lines, [
    {
      blockedMs: 800,
      cpuMs: 790,
      gcMs: 0,
      by: 'code',
      where: undefined,
      alsoBlocked: 0,
      inFlight: 3,
    },
  ])
  clock.advance(10_000)
  block(2_000, 30)
  assert.deepEqual([lines.length, lines[1]?.['by']], [2, 'not-scheduled'])
  watchdog.close()
  assert.equal(clock.pending(), 0)
})

test('one line in ten seconds, which counts those that were left out', () => {
  const { clock, lines, watchdog, block } = stage()
  watchdog.apply({ blockedAfter: 500, locateBlocks: false })
  for (let at = 0; at < 5; at++) block(600, 600)
  assert.equal(lines.length, 1)
  clock.advance(10_000)
  block(600, 600)
  assert.deepEqual([lines.length, lines[1]?.['alsoBlocked']], [2, 4])
  watchdog.close()
})

test('where it was blocked is told where the configuration wants it, until it does not', async () => {
  const { lines, watchdog, block, stopped, clock } = stage()
  watchdog.apply({ blockedAfter: 500, locateBlocks: true })
  await Promise.resolve()
  await Promise.resolve()
  block(700, 700)
  assert.deepEqual(lines[0]?.['where'], ['slow 700 ms'])
  watchdog.apply({ blockedAfter: 100, locateBlocks: false })
  assert.equal(stopped(), 1)
  clock.advance(10_000)
  block(200, 200)
  assert.deepEqual([lines.length, lines[1]?.['where']], [2, undefined])
  watchdog.close()
})
