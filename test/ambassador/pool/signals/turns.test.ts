import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signalDefaults } from '#ambassador/pool/signals/ask-page.ts'
import { Signals } from '#ambassador/pool/signals/signals.ts'
import { bytesBody } from '#shared/http/body.ts'
import { type InboundResponse, Origins, type OutboundRequest } from '#shared/http/client.ts'
import { manualClock } from '#test/manual-clock.ts'
import { pageOf } from './pages.ts'
import { startPages, startSignals, until } from './stage.ts'

/** Answers at once, and notes who was asked when. */
class Counting extends Origins {
  readonly asked: (readonly [origin: string, atMs: number])[] = []
  readonly #now: () => number

  constructor(now: () => number) {
    super()
    this.#now = now
  }

  override async exchange({ origin, path }: OutboundRequest): Promise<InboundResponse> {
    if (path === '/metrics') this.asked.push([origin, this.#now()])
    const status = path === '/metrics' ? 200 : 404
    const body = bytesBody(Buffer.from(pageOf({})))
    return { status, headers: [], body, trailers: () => ({}) }
  }
}

test('any number of replicas is spread over the interval, each asked once in it', async () => {
  for (const count of [1, 2, 7, 64]) {
    const clock = manualClock()
    const origins = new Counting(clock.now)
    const none = () => {}
    const signals = new Signals({ clock, origins, onScrape: none, onRestart: none })
    const names = Array.from({ length: count }, (_, at) => `http://10.0.0.${at}:8000`)
    signals.follow({ origins: names })
    for (let ms = 0; ms < 3_000; ms++) {
      clock.advance(1)
      for (let tick = 0; tick < 20; tick++) await Promise.resolve()
    }
    for (const name of names) {
      const times = origins.asked.flatMap(([origin, atMs]) => (origin === name ? [atMs] : []))
      assert.equal(times.length, 3 + (times[0] === 0 ? 1 : 0), `${name}: ${times.join()}`)
      for (const [at, time] of times.slice(1).entries()) {
        assert.ok(Math.abs(time - (times[at] ?? 0) - 1_000) <= 1, times.join())
      }
    }
    const inOne = origins.asked.map(([, atMs]) => atMs % 1_000).toSorted((a, b) => a - b)
    const distinct = [...new Set(inOne.map((ms) => Math.round(ms)))]
    const gaps = distinct.slice(1).map((ms, at) => ms - (distinct[at] ?? 0))
    const nearest = Math.min(...gaps.filter((gap) => gap > 2), 1_000)
    assert.ok(nearest >= 0.38 * (1_000 / count) - 2, `${count}: ${nearest}`)
    signals.close()
    assert.equal(clock.pending(), 0)
  }
})

test('other settings hold from the next turn on, and forget nobody', async (context) => {
  const server = await startPages(context)
  server.routes.set('/metrics', pageOf({ running: 5 }))
  const { signals, clock, turn } = startSignals(context)
  const origins = [server.origin]
  signals.follow({ origins })
  await turn(0)
  await until(() => server.count('/kv_event_sources') === 1)
  signals.follow({ origins, settings: { ...signalDefaults, intervalMs: 10_000 } })
  assert.equal(signals.of(server.origin).running, 5)
  await turn(1_000)
  clock.advance(5_000)
  assert.equal(server.count('/metrics'), 2)
  await turn(5_000)
  assert.equal(server.count('/metrics'), 3)
})
