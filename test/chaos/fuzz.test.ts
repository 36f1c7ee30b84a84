import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { after, before, test } from 'node:test'
import { askings, bodyCases } from '../pair/bad-input-bodies.ts'
import { checkBody } from '../pair/bad-input-check.ts'
import { isIdle, plainProvider } from '../pair/bad-input-idle.ts'
import { wireCases } from '../pair/bad-input-wire.ts'
import { checkWire } from '../pair/bad-input-wire-check.ts'
import { fuzzBodies, fuzzHeads } from '../pair/fuzz-run.ts'
import { type Pair, type Provider, startPair, startProvider } from '../pair/harness.ts'
import { descriptors, inspected, memoryUsed, whenIdle } from './heap.ts'

let provider: Provider
let pair: Pair
const agent = new Agent({ keepAlive: true, maxSockets: 32 })

before(async () => {
  // Short answers: it is the questions that are odd.
  provider = await startProvider({ contextTokensMax: 64 })
  const limits = { headTimeout: '2s', bodyTimeout: '2s', bodyMax: '1MiB' }
  pair = await startPair({
    provider: provider.port,
    pool: plainProvider(provider.port),
    sidecar: limits,
    environment: inspected,
  })
})
after(async () => {
  agent.destroy()
  await pair?.close()
  await provider?.close()
})

/** Of bodies, and of heads, at each surface. */
const count = Number(process.env['FUZZ_COUNT'] ?? 10_000)

for (const asking of askings) {
  test(`the whole table of odd bodies and bytes at ${asking.path}`, async () => {
    const to = { port: pair.port, agent }
    await Promise.all(bodyCases(asking).map((one) => checkBody(to, asking, one)))
    await Promise.all(wireCases(asking).map((one) => checkWire(pair.port, asking, one)))
  })
}

test('memory and sockets are back after all that was sent', async () => {
  const halves = [pair.sidecar, pair.ambassador]
  const before = await Promise.all(
    halves.map(async (half) => ({ open: descriptors(half), bytes: await memoryUsed(half) })),
  )
  for (const asking of askings) {
    await fuzzBodies({ port: pair.port, agent }, asking, count)
    await fuzzHeads({ port: pair.port, agent }, asking, count)
  }
  agent.destroy()
  await provider.whenIdle()
  await isIdle(pair)
  for (const [at, half] of halves.entries()) {
    const was = before[at]
    assert.ok(was !== undefined)
    // Between the halves connections are kept, as many as were in use at once.
    await whenIdle(half, was.open + 64)
    const bytes = await memoryUsed(half)
    assert.ok(bytes < was.bytes + memoryGrowthMax, `${was.bytes} bytes became ${bytes}`)
  }
})

/** Caches that fill up and code that was compiled meanwhile, in bytes; a leak of 140,000 calls is more. */
const memoryGrowthMax = 32 * 1024 * 1024
