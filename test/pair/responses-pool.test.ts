import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ask, codeIn, open, readUntil } from './client.ts'
import { callOf, type Provider, startProvider } from './harness.ts'
import { isHeard, type PoolStage, startPool } from './pool-stage.ts'
import { eventsOf, faultsOf } from './responses-grammar.ts'

let replicas: Provider[] = []
let stage: PoolStage
const undos: (() => unknown)[] = []

before(async () => {
  replicas = await Promise.all([1, 2].map(() => startProvider({ tokenMs: 5 })))
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-salt-'))
  undos.push(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'salt')
  await writeFile(file, 'grains')
  stage = await startPool(
    {
      after: (undo: unknown) => {
        if (typeof undo === 'function') undos.push(() => undo())
      },
    },
    replicas.map(({ port }) => port),
    { cacheSalt: { secret: { file } } },
  )
  await stage.statusOnce(isHeard)
})
after(async () => {
  for (const undo of undos.toReversed()) await undo()
  await Promise.all(replicas.map((replica) => replica.close()))
})

let count = 0

function question(given: { readonly body?: object; readonly fault?: string } = {}) {
  const id = `responses-${++count}`
  const fault = given.fault === undefined ? {} : { 'x-sim-fault': given.fault }
  return {
    id,
    path: '/v1/responses',
    headers: { 'x-request-id': id, ...fault },
    body: { model: 'tiny', input: `hello ${count}`, max_output_tokens: 5, ...given.body },
  }
}

function serverOf(id: string): Provider | undefined {
  return replicas.find((replica) => callOf(replica, id) !== undefined)
}

/** All calls of the pool have ended, and its book knows. */
async function isEmpty(): Promise<void> {
  await stage.statusOnce((pool) => pool.replicas.every(({ inFlight }) => inFlight === 0))
}

test('a stream of a pool has the grammar of Responses, and its end is exact', async () => {
  const seen = await ask(stage.pair.port, question({ body: { stream: true } }))
  assert.equal(seen.status, 200, seen.body)
  assert.deepEqual(faultsOf(seen.body), [])
  const { ambassador } = await stage.pair.linesOf(String(seen.headers['x-outrigger-call']))
  assert.deepEqual([ambassador['outputTokens'], ambassador['tokensExact']], [5, true])
  await isEmpty()
})

test('a whole answer of a pool is placed and settled as a chat is', async () => {
  const seen = await ask(stage.pair.port, question())
  assert.equal(JSON.parse(seen.body).status, 'incomplete')
  const { ambassador } = await stage.pair.linesOf(String(seen.headers['x-outrigger-call']))
  assert.deepEqual([ambassador['outputTokens'], ambassador['tokensExact']], [5, true])
  await isEmpty()
})

test('a tool that is called has the grammar of Responses', async () => {
  const parameters = {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
  }
  const tools = [{ type: 'function', name: 'weather', parameters }]
  const body = { tools, tool_choice: 'required', stream: true, max_output_tokens: 200 }
  const seen = await ask(stage.pair.port, question({ body }))
  assert.deepEqual(faultsOf(seen.body), [])
  assert.ok(
    eventsOf(seen.body).some(({ type }) => type === 'response.function_call_arguments.done'),
  )
})

const long = Array.from({ length: 600 }, (_, at) => `word-${at}`).join(' ')

for (const [name, input] of [
  ['a text', long],
  ['a list of items', [{ role: 'user', content: long }]],
] as const) {
  test(`the next question with ${name} before it goes where that is cached`, async () => {
    const instructions = `as ${name} has it`
    const first = question({ body: { input, instructions } })
    await ask(stage.pair.port, first)
    await isEmpty()
    for (let calls = 0; calls < 4; calls++) {
      const next = question({ body: { input, instructions } })
      const seen = await ask(stage.pair.port, next)
      assert.equal(serverOf(next.id), serverOf(first.id))
      assert.ok(JSON.parse(seen.body).usage.input_tokens_details.cached_tokens > 0)
    }
  })
}

test('a tenant’s salt goes to the replica', async () => {
  const asked = question()
  await ask(stage.pair.port, asked)
  const server = serverOf(asked.id)
  assert.ok(server !== undefined)
  const salt: unknown = JSON.parse(callOf(server, asked.id)?.bodyText ?? '{}').cache_salt
  assert.match(String(salt), /^[\w-]{43}$/)
})

test('a server that stops with nothing generated is asked no more, however complete it says it is', async () => {
  for (const stream of [true, false]) {
    const seen = await ask(stage.pair.port, question({ fault: 'abort=0', body: { stream } }))
    assert.equal(seen.status, 503, seen.body)
    assert.equal(codeIn(seen.body), 'upstream-aborted')
  }
})

test('a stream that is refused inside of its 200 is a status', async () => {
  const asked = question({ fault: 'refuse-in-200', body: { stream: true } })
  const seen = await ask(stage.pair.port, asked)
  assert.ok(seen.status >= 500, seen.body)
})

for (const fault of ['reset=6', 'eof=6', 'garbage=6']) {
  test(`a stream under '${fault}' ends with an error event and the next number`, async () => {
    const asked = question({ fault, body: { stream: true, max_output_tokens: 50 } })
    const { body } = await ask(stage.pair.port, asked)
    assert.deepEqual(faultsOf(body), [])
    const [before, last] = eventsOf(body).slice(-2)
    assert.equal(last?.['type'], 'error')
    assert.equal(last?.['sequence_number'], Number(before?.['sequence_number']) + 1)
    await isEmpty()
  })
}

for (const path of ['/v1/responses', '/v1/messages']) {
  test(`a caller that leaves a stream of ${path} ends it at its replica`, async () => {
    const messages = [{ role: 'user', content: 'hello' }]
    const body = path.endsWith('messages')
      ? { input: undefined, max_output_tokens: undefined, messages, max_tokens: 2_000 }
      : { max_output_tokens: 2_000 }
    const asked = { ...question({ body: { ...body, stream: true } }), path }
    const response = await open(stage.pair.port, asked)
    await readUntil(response, 'delta')
    response.destroy()
    const server = serverOf(asked.id)
    assert.ok(server !== undefined)
    await server.whenIdle()
    assert.equal(callOf(server, asked.id)?.endedBy, 'client-left')
    await isEmpty()
  })
}
