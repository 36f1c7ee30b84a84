import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { open, question, readUntil } from './client.ts'
import { type Provider, startProvider } from './harness.ts'
import { isHeard, type PoolStage, startPool, type Turn, user } from './pool-stage.ts'

const words = Array.from({ length: 120 }, (_, at) => `word${at}`).join(' ')

let replicas: readonly Provider[]
let stage: PoolStage
const ends: (() => unknown)[] = []
const here = { after: (end: () => unknown) => void ends.unshift(end) }

before(async () => {
  replicas = await Promise.all([0, 1, 2].map(() => startProvider({ tokenMs: 2 })))
  here.after(() => Promise.all(replicas.map((replica) => replica.close())))
  stage = await startPool(
    here,
    replicas.map(({ port }) => port),
    {
      // Longer than a busy machine takes to answer from the replica that is asked next.
      timeouts: { firstContent: '3s' },
      retry: { attempts: 3, budgetPercent: 100, budgetFloor: 100 },
    },
  )
  await stage.statusOnce(isHeard)
})
after(async () => {
  for (const end of ends) await end()
})

let count = 0

/** A question that one replica has been asked, and that replica. */
async function atHome(): Promise<{ messages: readonly object[]; home: Provider; first: Turn }> {
  const messages = [user(`${++count} ${words}`)]
  const first = await stage.chat({ messages })
  assert.equal(first.status, 200)
  const home = replicas[stage.addresses.indexOf(first.replica)]
  assert.ok(home !== undefined)
  return { messages, home, first }
}

/** Another replica has answered whole, and the breaker knows nothing of it. */
async function servedElsewhere(next: Turn, first: Turn): Promise<void> {
  assert.deepEqual([next.status, next.attempts], [200, '2'], next.body)
  assert.notEqual(next.replica, first.replica)
  const isWhole = next.text.length > 0 || next.body.trimEnd().endsWith('data: [DONE]')
  assert.ok(isWhole && !next.body.includes('"error"'), next.body)
  assert.equal(await stage.metric('outrigger_ambassador_breaker_state'), 0)
}

/** What a replica does to one call before any content of it, by the simulator’s names. */
const beforeContent = {
  'reset=0': 'a connection that is reset, as one that was closed after 5 s without a call',
  'status=500': 'an error of the server',
  'status=503': 'a full queue',
  'refuse-in-200': 'a refusal inside a 200',
  'abort=0': 'an abort that looks like success',
  'eof=0': 'an end without an answer',
  'garbage=0': 'what is no answer',
  'cut=20': 'a connection that is cut',
  'stall=0': 'silence after the head',
}

for (const [fault, name] of Object.entries(beforeContent)) {
  for (const stream of [true, false]) {
    // A whole answer has no event: its first half would be content.
    if (!stream && fault === 'garbage=0') continue
    if (!stream && fault === 'stall=0') continue
    test(`after ${name} ${stream ? 'a stream' : 'a whole answer'} comes from another replica`, async () => {
      const { messages, home, first } = await atHome()
      assert.ok(home.faults.add(fault, 1))
      await servedElsewhere(await stage.chat({ messages, stream }), first)
    })
  }
}

test('a replica that drains with 500 and is healthy is left for another one', async () => {
  const { messages, home, first } = await atHome()
  assert.ok(home.enter('draining'))
  const health = await fetch(`${first.replica}/health`)
  assert.equal(health.status, 200)
  const next = await stage.chat({ messages, stream: true })
  assert.ok(home.enter('well'))
  await servedElsewhere(next, first)
})

test('a replica that is paused, healthy and idle is left for another one when it is silent', async () => {
  const { messages, home, first } = await atHome()
  assert.ok(home.enter('paused'))
  const next = await stage.chat({ messages, stream: true })
  assert.ok(home.enter('well'))
  await servedElsewhere(next, first)
})

test('a question without a model reaches no replica: its base model would answer', async () => {
  const asked = replicas.map((replica) => replica.calls().length)
  const { status, code } = await stage.chat({ messages: [user('hello')], model: undefined })
  assert.deepEqual([status, code], [400, 'invalid-field'])
  assert.deepEqual(
    replicas.map((replica) => replica.calls().length),
    asked,
  )
})

test('complaint 24: a caller that leaves stops what its replica generates', async () => {
  const asked = question('chat', { stream: true, body: { max_tokens: 2_000 } })
  const response = await open(stage.pair.port, asked)
  await readUntil(response, '\n\n')
  const busy = replicas.find((replica) => replica.gauges().running === 1)
  assert.ok(busy !== undefined)
  response.destroy()
  await busy.whenIdle()
  assert.equal(busy.gauges().running, 0)
  const generated = busy.gauges().generationTokens
  await stage.statusOnce(({ replicas }) => replicas.every(({ inFlight }) => inFlight === 0))
  assert.equal(busy.gauges().generationTokens, generated)
})

for (const fault of ['status=503', 'refuse-in-200']) {
  test(`complaints 28 and 29: a burst that its home refuses with ${fault} is served elsewhere`, async () => {
    const { messages, home } = await atHome()
    assert.ok(home.faults.add(fault, 5))
    const burst = Array.from({ length: 5 }, () => stage.chat({ messages, stream: true }))
    for (const next of await Promise.all(burst)) {
      assert.equal(next.status, 200, next.body)
      assert.ok(next.body.trimEnd().endsWith('data: [DONE]'))
    }
    home.faults.clear()
    assert.equal(await stage.metric('outrigger_ambassador_breaker_state'), 0)
  })
}

test('a replica whose connections are refused is left for another one', async () => {
  const { messages, home, first } = await atHome()
  await home.close()
  const next = await stage.chat({ messages, stream: true })
  assert.equal(next.status, 200)
  assert.notEqual(next.replica, first.replica)
})
