import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask } from '../client.ts'
import { until } from '../errors/occupy.ts'
import type { Pair } from '../harness.ts'
import { type PlannedProvider, startPlanned } from './planned-provider.ts'
import {
  aliases,
  environmentOf,
  type Key,
  openaiPool,
  planned,
  startTaken,
  tokens,
  untilCalm,
} from './stage.ts'

const keys: readonly Key[] = [{ name: 'main' }]
const concurrency = 12

let provider: PlannedProvider
let pair: Pair

before(async () => {
  provider = await startPlanned()
  pair = await startTaken({
    provider: provider.port,
    pool: openaiPool(provider.port, keys),
    models: { tiny: undefined, assistant: undefined, ...aliases(['steady']) },
    tenants: { local: { concurrency, limits: [{ tokens: 1_000_000, per: 'month' }] } },
    environment: environmentOf(keys),
    sidecar: { connectTimeout: '30s' },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

// litellm#20256, litellm#17323
test('a sidecar that is killed leaves no place taken, and its calls are settled', async () => {
  const plans = ['tapped', 'silent'].flatMap((plan) =>
    Array.from({ length: concurrency / 2 }, () => plan),
  )
  const asking = plans.map((plan) =>
    ask(pair.port, planned('steady', { plan, stream: plan === 'tapped' })),
  )
  await until(() => provider.arrivals.length === concurrency)
  const refused = await ask(pair.ambassador.port, planned('steady'))
  assert.match(refused.body, /tenant-concurrency/)
  const { mark } = pair.ambassador
  await pair.sidecar.kill()
  await Promise.all(asking)
  await untilCalm(pair.ambassador)
  const settled = () =>
    pair.ambassador.lines.slice(mark).filter((line) => line['outcome'] === 'client-left')
  await until(() => settled().length === concurrency)
  for (const line of settled()) assert.ok(tokens(line).isMarked && tokens(line).input > 0)
  assert.equal((await ask(pair.ambassador.port, planned('steady'))).status, 200)
})
