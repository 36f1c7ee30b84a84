import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Provider, startProvider } from './harness.ts'
import { isHeard, type PoolStage, startPool, user } from './pool-stage.ts'

const streams = 24
const tokens = 200

let replicas: readonly Provider[]
let stage: PoolStage
const ends: (() => unknown)[] = []
const here = { after: (end: () => unknown) => void ends.unshift(end) }

before(async () => {
  replicas = await Promise.all(
    [0, 1, 2].map(() => startProvider({ tokenMs: 5, contextTokensMax: 2_048 })),
  )
  here.after(() => Promise.all(replicas.map((replica) => replica.close())))
  const ports = replicas.map(({ port }) => port)
  // All that a pool has by default, but for its streams.
  stage = await startPool(here, ports, { resume: true, retry: {} })
  await stage.statusOnce(isHeard)
})
after(async () => {
  for (const end of ends) await end()
})

/** What is wrong with the stream that a client is given; undefined where it is whole. */
async function wrong(name: string): Promise<string | undefined> {
  const messages = [user(name)]
  const { status, body } = await stage.chat({ messages, stream: true, max_tokens: tokens })
  const isWhole = body.trimEnd().endsWith('data: [DONE]') && body.includes('"length"')
  return status === 200 && isWhole && !body.includes('"error"') ? undefined : body.slice(-300)
}

function begin(name: string): Promise<string | undefined>[] {
  return Array.from({ length: streams }, (_, at) => wrong(`${name} ${at}`))
}

test('a replica that is killed under 24 streams goes unnoticed by them, and by as many that come then', async () => {
  const before = begin('before')
  const [victim] = replicas
  assert.ok(victim !== undefined)
  await stage.statusOnce(() => victim.gauges().running >= 8)
  // No probe tells of it (they are an hour apart), and no call has ended well: who comes is sent there.
  assert.ok(victim.enter('kill'))
  const all = await Promise.all([...before, ...begin('after')])
  assert.deepEqual(
    all.filter((each) => each !== undefined),
    [],
  )
  assert.equal(await stage.metric('outrigger_ambassador_given_up_total'), 0)
  assert.equal(await stage.metric('outrigger_ambassador_breaker_state'), 0)
  assert.equal(await stage.metric('outrigger_ambassador_breaker_changes_total'), 0)
})
