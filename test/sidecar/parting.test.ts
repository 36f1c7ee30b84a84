import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody, readBody } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { Origins } from '#shared/http/client.ts'
import { startServer } from '#shared/http/server.ts'
import { drain, type Running } from '#shared/lifecycle/drain.ts'
import { Gate } from '#shared/lifecycle/gate.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { Addresses } from '../../sidecar/addresses/addresses.ts'
import { forward } from '../../sidecar/forward.ts'
import { manualClock } from '../manual-clock.ts'
import { callOf, requestOf, targetOf } from './sidecar-call.ts'

const limits = { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 }
const log = createLog({ level: 'silent', half: 'ambassador', clock: systemClock })

function answer(status: number, headers: string[]): CallResponse {
  return { status, headers, body: bytesBody(Buffer.from('whole')) }
}

/** A server that answers at once, and ends in the order of every process of ours. */
async function ambassador(): Promise<Running> {
  const gate = new Gate()
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    limits,
    clock: systemClock,
    async service({ incoming }, isCounted: { value: boolean }) {
      await new Promise<void>((end) => incoming.read({ data() {}, end, gone: end }))
      if (gate.isDraining) {
        return answer(503, ['x-outrigger-attempts', '0', 'x-outrigger-replay', 'safe'])
      }
      gate.enter()
      isCounted.value = true
      return answer(200, ['x-outrigger-attempts', '1'])
    },
    open: () => ({ value: false }),
    close(isCounted) {
      if (isCounted.value) gate.leave()
    },
    onDefect: (error) => assert.fail(String(error)),
  })
  return drain({
    ports: { port: server.port, probesPort: 0, adminPort: 0 },
    clock: systemClock,
    log,
    gate,
    server,
    limits: () => ({ delayMs: 10, graceMs: 10_000 }),
    refusesWhileDraining: true,
    endCalls: () => assert.fail('a call was cut'),
    cleanUp: async () => {},
  })
}

/** Calls through one sidecar's way to `addresses`. */
function caller(context: TestContext, addresses: readonly string[]) {
  const origins = new Origins()
  context.after(() => origins.destroy())
  const trust = { current: undefined }
  const known = new Addresses({ origins, trust, clock: systemClock })
  const service = forward({ addresses: known, token: undefined, trust })
  return async (): Promise<string> => {
    const call = { ...callOf(manualClock()), clock: systemClock }
    call.route = targetOf('m', { addresses })
    call.deadlineMs = systemClock.now() + 60_000
    try {
      const { status, body } = await service(requestOf('{"model":"m"}'), call)
      return `${status} ${String(await readBody(body, 1_000))}`
    } catch (error) {
      assert.ok(error instanceof CallError, String(error))
      return `${error.code} ${String(error.facts['cause'])}`
    }
  }
}

test('of 2,000 calls none is lost to servers that end while they are called', {
  timeout: 60_000,
}, async (context) => {
  const seen = new Map<string, number>()
  for (let round = 0; round < 5; round++) {
    const [one, other] = await Promise.all([ambassador(), ambassador()])
    const call = caller(
      context,
      [one, other].map(({ ports }) => `127.0.0.1:${ports.port}`),
    )
    let asked = 0
    const worker = async () => {
      while (asked < 400) {
        if (++asked === 100 + round * 20) one.stop('SIGTERM')
        const outcome = await call()
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
        // Idle for a turn now and then: what is idle is what an end can cross.
        if (asked % 3 === 0) await new Promise((next) => setImmediate(next))
      }
    }
    await Promise.all(Array.from({ length: 24 }, worker))
    await one.ended
    other.stop('SIGTERM')
    await other.ended
  }
  assert.deepEqual([...seen], [['200 whole', 2_000]])
})
