import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { AccessLine, Log } from '#shared/telemetry/access-log.ts'
import { noTracer } from '#shared/telemetry/tracing.ts'
import { account } from '../../sidecar/account.ts'
import { sidecarMetrics } from '../../sidecar/telemetry/metrics.ts'
import { manualClock } from '../manual-clock.ts'
import { callOf, requestOf } from './sidecar-call.ts'

function stage() {
  const lines: AccessLine[] = []
  const quiet = () => {}
  const levels = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const log: Log = {
    ...levels,
    accessLine: (line) => lines.push(line),
    setLevel() {},
    flush() {},
  }
  const { metrics } = sidecarMetrics()
  const layer = account({ log: () => log, metrics, tracer: () => noTracer })
  const incoming = {
    declaredBytes: 2,
    contentEncoding: undefined,
    read() {},
    pause() {},
    resume() {},
  }
  return { lines, layer, call: callOf(manualClock()), request: { ...requestOf('{}'), incoming } }
}

test('a defect above the layer that answers errors has its line', async () => {
  const { lines, layer, call, request } = stage()
  const defect = new TypeError('x is not a function')
  const service = layer(() => Promise.reject(defect))
  await assert.rejects(async () => service(request, call), defect)
  assert.deepEqual(
    lines.map(({ status, outcome, error }) => [status, outcome, error]),
    [[500, 'refused', 'internal']],
  )
})

test('an answer that nobody reads to its end has one line, which says so', async () => {
  const { lines, layer, call, request } = stage()
  const answer = { status: 200, headers: [], body: bytesBody(Buffer.from('x')) }
  const { body, headers } = await layer(() => Promise.resolve(answer))(request, call)
  assert.deepEqual(headers, ['x-outrigger-call', 'call'])
  body.cancel()
  body.cancel()
  assert.deepEqual(
    lines.map(({ status, outcome }) => [status, outcome]),
    [[200, 'client-left']],
  )
})

test('an answer whose call was cancelled says why', async () => {
  const { lines, layer, call, request } = stage()
  call.error = new CallError('deadline-exceeded', 'Cannot finish: late')
  const answer = { status: 200, headers: [], body: bytesBody(Buffer.from('x')) }
  const { body } = await layer(() => Promise.resolve(answer))(request, call)
  body.cancel()
  assert.deepEqual(
    lines.map(({ outcome, error }) => [outcome, error]),
    [['cut', 'deadline-exceeded']],
  )
})
