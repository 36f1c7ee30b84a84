import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Caller, type Endings } from './soak/caller.ts'
import { growthOf } from './soak/growth.ts'
import { LogGauge, type Logged } from './soak/log-gauge.ts'
import { type Stage, startStage } from './soak/stage.ts'
import { type MemoryUsed, memoryAfterCollection, whenBack } from './soak/vitals.ts'

/** Of a million calls, for a quick look. */
const share = Number(process.env['SOAK_SHARE'] ?? 1)
const calls = 1_000_000 * share
const samples = 40
/** Faults that are waited for keep some forty of them. */
const inFlight = 80
/** 5 % of calls meet a fault. */
const faultEvery = 20
/** What is stopped with everything else for as long as a stall is taken for one. */
const lateShareMax = 0.001
/** Where every call fails, and where there is no provider. Most of their time is waiting for stalls. */
const stormCalls = 5_000 * share

/**
 * What a straight line through the last half of the samples may rise by over that half, in MB. What
 * is used of the heap varies by about a megabyte from collection to collection; 128 bytes left by
 * each of half a million calls are 61 MB. Anonymous memory is that and what allocators keep, in
 * larger steps.
 */
const growthMaxMB = { heapMB: 4, anonymousMB: 12 } as const

/** Of one half, in bytes: the longest access line, and all lines of a call, on average. */
const lineBytesMax = 2_048
const bytesPerCallMax = 1_024
/** Where calls fail there is also why. */
const bytesPerFailureMax = 2_048

let stage: Stage
let gauges: LogGauge[] = []

before(async () => {
  stage = await startStage()
  gauges = stage.logs.map((file) => new LogGauge(file))
})
after(() => stage?.end())

/** Makes calls; gives how they ended and what each half wrote of them. */
async function ask(
  count: number,
  every: number,
): Promise<{ endings: Endings; logged: readonly Logged[] }> {
  for (const gauge of gauges) gauge.take()
  const plan = { port: stage.port, calls: count, inFlight, faultEvery: every }
  const endings = await new Caller(plan).run()
  for (const half of stage.halves) await whenBack(half)
  return { endings, logged: gauges.map((gauge) => gauge.take()) }
}

function assertLogged(logged: readonly Logged[], count: number, perCallMax: number): string {
  return stage.halves
    .map(({ name }, at) => {
      const { bytes, longest } = logged[at] ?? { bytes: 0, longest: '' }
      const perCall = bytes / count
      assert.ok(perCall <= perCallMax, `the ${name} wrote ${perCall.toFixed(0)} bytes a call`)
      const longestBytes = Buffer.byteLength(longest)
      assert.ok(longestBytes <= lineBytesMax, `the ${name} wrote ${longestBytes} bytes: ${longest}`)
      return `${name}: ${perCall.toFixed(0)} bytes a call, a line of at most ${longestBytes}`
    })
    .join('; ')
}

test(`over the last half of ${calls} calls memory is flat, and the log as long as its calls`, {
  timeout: 2_400_000,
}, async (context) => {
  const memories: MemoryUsed[][] = stage.halves.map(() => [])
  const each = Math.ceil(calls / samples)
  const beganMs = performance.now()
  let served = 0
  for (let at = 0; at < samples; at++) {
    const { endings, logged } = await ask(each, faultEvery)
    served += endings.get('200') ?? 0
    assertLogged(logged, each, bytesPerCallMax)
    for (const [of, half] of stage.halves.entries()) {
      memories[of]?.push(await memoryAfterCollection(half, stage.directory))
    }
  }
  const seconds = (performance.now() - beganMs) / 1_000
  context.diagnostic(`${calls} calls in ${seconds.toFixed(0)} s, ${served} with 200`)
  assert.ok(served >= calls * (1 - 1 / faultEvery - lateShareMax), 'others than faults failed')
  for (const [of, { name }] of stage.halves.entries()) {
    const last = memories[of]?.slice(samples / 2) ?? []
    for (const unit of ['heapMB', 'anonymousMB'] as const) {
      const values = last.map((one) => one[unit])
      const growth = growthOf(values)
      const range = `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`
      const text = `${name} ${unit}: ${range}, rising by ${growth.toFixed(2)} over the last half`
      context.diagnostic(text)
      assert.ok(growth <= growthMaxMB[unit], text)
    }
  }
})

test(`${stormCalls} failures in a row write no more than their lines`, async (context) => {
  const { endings, logged } = await ask(stormCalls, 1)
  context.diagnostic(JSON.stringify([...endings]))
  context.diagnostic(assertLogged(logged, stormCalls, bytesPerFailureMax))
})

test(`${stormCalls} calls without a provider write no more than their lines`, async (context) => {
  await stage.endProvider()
  const { endings, logged } = await ask(stormCalls, faultEvery)
  context.diagnostic(JSON.stringify([...endings]))
  assert.equal(endings.get('200'), undefined)
  context.diagnostic(assertLogged(logged, stormCalls, bytesPerFailureMax))
})
