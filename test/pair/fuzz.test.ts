import { Agent } from 'node:http'
import { after, before, test } from 'node:test'
import { askings } from './bad-input-bodies.ts'
import { isIdle, plainProvider } from './bad-input-idle.ts'
import { fuzzBodies, fuzzHeads, replayCorpus } from './fuzz-run.ts'
import { type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair
const agent = new Agent({ keepAlive: true, maxSockets: 8 })

before(async () => {
  // Short answers: it is the questions that are odd.
  provider = await startProvider({ contextTokensMax: 64 })
  const limits = { headTimeout: '1s', bodyTimeout: '1s', bodyMax: '64KiB' }
  pair = await startPair({
    provider: provider.port,
    pool: plainProvider(provider.port),
    sidecar: limits,
  })
})
after(async () => {
  agent.destroy()
  await pair?.close()
  await provider?.close()
})

/** Of each surface: about 200 in all. The slower suite has thousands. */
const count = 15

test('what once was answered wrongly is answered at every surface', async () => {
  const to = { port: pair.port, agent }
  await Promise.all(askings.map((asking) => replayCorpus(to, asking)))
})

test('every body is answered, and none ends the pair', async () => {
  const to = { port: pair.port, agent }
  await Promise.all(askings.map((asking) => fuzzBodies(to, asking, count)))
})

test('every head is answered or refused, and none ends the pair', async () => {
  const to = { port: pair.port, agent }
  await Promise.all(askings.map((asking) => fuzzHeads(to, asking, count)))
})

test('after all of it no call is in flight', async () => {
  await provider.whenIdle()
  await isIdle(pair)
})
