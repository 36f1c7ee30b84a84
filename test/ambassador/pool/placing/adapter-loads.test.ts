import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { newCall } from '#ambassador/new-call.ts'
import { AdapterLoads } from '#ambassador/pool/placing/adapter-loads.ts'
import type { Placement } from '#ambassador/pool/placing/placement.ts'
import { readModels } from '#ambassador/pool/signals/server-facts.ts'
import { startReplica } from '#deploy/simulator/server.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import { type InboundResponse, Origins, type OutboundRequest } from '#shared/http/client.ts'
import { manualClock } from '#test/manual-clock.ts'

const clock = manualClock()

function placementAt(origin: string): Placement & { hasEnded: boolean; told: string[] } {
  const placement = {
    origin,
    heldMs: 0,
    tier: 'bytes' as const,
    members: {},
    cancellation: new Cancellation(),
    hasEnded: false,
    told: new Array<string>(),
    lacksAdapter: () => void placement.told.push('lacks'),
    hasAdapter: () => void placement.told.push('has'),
    lacksModel: () => false,
    refusesPriority() {},
    loaded() {},
    full() {},
    follow: () => bytesBody(Buffer.alloc(0)),
    end() {
      placement.hasEnded = true
    },
  }
  return placement
}

function callFor(model: string) {
  const cancellation = new Cancellation()
  const given = { cancellation, clock, provider: 'p', snapshot: undefined, tokens: undefined }
  return { ...newCall(given), model }
}

/** Answers as it is told, and notes what was posted. */
class Posted extends Origins {
  readonly posts: string[] = []
  status = 200
  hold: Promise<void> | undefined

  override async exchange({ path, body, headers }: OutboundRequest): Promise<InboundResponse> {
    const { lora_name: name } = JSON.parse(body?.toString() ?? '{}')
    const key = headers[headers.indexOf('authorization') + 1]
    this.posts.push(`${path} ${name}${headers.includes('authorization') ? ` ${key}` : ''}`)
    await this.hold
    const text = this.status === 200 ? 'Success' : 'No adapter found'
    const answer = bytesBody(Buffer.from(text))
    return { status: this.status, headers: [], body: answer, trailers: () => ({}) }
  }
}

function setUp(serves: () => boolean | undefined = () => false) {
  const origins = new Posted()
  const loads = new AdapterLoads({ clock, origins, serves })
  const adapters = Object.fromEntries(
    Array.from({ length: 80 }, (_, at) => [`a${at}`, `/models/a${at}`]),
  )
  loads.configure({ adapters, headers: ['authorization', 'Bearer k'] })
  const use = async (model: string) => {
    const call = callFor(model)
    await loads.before(placementAt('http://r'), call)
    return () => {
      for (const undo of call.atEnd) undo()
    }
  }
  return { origins, loads, use }
}

test('an adapter that a replica lacks is loaded once, with the key, for all who wait', async () => {
  const { origins, use } = setUp()
  await Promise.all([use('a1'), use('a1')])
  await use('a1')
  await use('other')
  assert.deepEqual(origins.posts, ['/v1/load_lora_adapter a1 Bearer k'])
})

test('nothing is loaded where the replica has it, or has not said what it serves', async () => {
  for (const serves of [true, undefined]) {
    const { origins, use } = setUp(() => serves)
    await use('a1')
    assert.deepEqual(origins.posts, [])
  }
})

test('what cannot be loaded is left to the replica’s refusal, said, and tried again later', async () => {
  const { origins, loads, use } = setUp()
  origins.status = 404
  await use('a1')
  await use('a1')
  assert.equal(origins.posts.length, 1)
  assert.deepEqual(loads.noticesOf('http://r'), [
    { code: 'adapter-not-loaded', sentence: "adapter 'a1' cannot be loaded: No adapter found" },
  ])
  origins.status = 200
  clock.advance(10_000)
  await use('a1')
  assert.deepEqual([origins.posts.length, loads.noticesOf('http://r')], [2, []])
})

test('beyond 64 the one used longest ago is unloaded, and none that a call runs with', async () => {
  const { origins, use } = setUp()
  await use('a0')
  const end = await use('a1')
  end()
  for (let at = 2; at < 66; at++) (await use(`a${at}`))()
  const unloaded = () => origins.posts.filter((post) => post.includes('unload'))
  assert.deepEqual(unloaded(), [
    '/v1/unload_lora_adapter a1 Bearer k',
    '/v1/unload_lora_adapter a2 Bearer k',
  ])
  ;(await use('a1'))()
  assert.equal(origins.posts.filter((post) => post.includes('/load_lora_adapter a1 ')).length, 2)
})

test('a server that has started anew, or says that it lacks one, is given it again', async () => {
  const { origins, loads, use } = setUp()
  await use('a1')
  loads.restarted('http://r')
  await use('a1')
  loads.missed('http://r', 'a1')
  await use('a1')
  assert.equal(origins.posts.length, 3)
})

test('a call that leaves while it waits for its adapter gives its place back', async () => {
  const { origins, loads } = setUp()
  let go = () => {}
  origins.hold = new Promise((resolve) => {
    go = resolve
  })
  const call = callFor('a1')
  const placement = placementAt('http://r')
  const waiting = loads.before(placement, call)
  call.cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller left'))
  await assert.rejects(waiting, ({ code }) => code === 'client-left')
  assert.equal(placement.hasEnded, true)
  go()
})

test('a simulated vLLM loads and unloads as asked', async (t: TestContext) => {
  const replica = await startReplica({ runtimeLoras: true })
  const origins = new Origins()
  t.after(async () => {
    await origins.destroy()
    await replica.close()
  })
  const origin = `http://127.0.0.1:${replica.port}`
  const loads = new AdapterLoads({ clock, origins, serves: () => false })
  loads.configure({ adapters: { sql: '/models/sql', bad: '/nowhere' }, headers: [] })
  for (const model of ['sql', 'bad']) await loads.before(placementAt(origin), callFor(model))
  assert.equal(loads.noticesOf(origin).length, 1)
  const models = readModels(Buffer.from(await (await fetch(`${origin}/v1/models`)).arrayBuffer()))
  assert.deepEqual(
    models?.map(({ id }) => id),
    ['llama-3-8b', 'sql'],
  )
})
