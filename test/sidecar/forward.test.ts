import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { readBody } from '#shared/http/body.ts'
import { Origins } from '#shared/http/client.ts'
import { header } from '#shared/http/headers.ts'
import { Addresses } from '../../sidecar/addresses/addresses.ts'
import type { SidecarCall } from '../../sidecar/call.ts'
import { forward } from '../../sidecar/forward.ts'
import { manualClock } from '../manual-clock.ts'
import { closedPort } from '../pair/harness.ts'
import { callOf, requestOf, targetOf } from './sidecar-call.ts'

type Serve = (request: IncomingMessage, response: ServerResponse) => void

const serves: Serve = (_request, response) => {
  response.writeHead(200, { 'x-outrigger-attempts': '1' }).end('whole')
}

/** The ambassador's own refusal: nothing was done for the call. */
const refuses: Serve = (_request, response) => {
  const headers = { 'x-outrigger-attempts': '0', 'x-outrigger-replay': 'safe' }
  response.writeHead(503, headers).end('later')
}

const fails =
  (status: number, attempts: number, replay: string): Serve =>
  (_request, response) => {
    const headers = { 'x-outrigger-attempts': String(attempts), 'x-outrigger-replay': replay }
    response.writeHead(status, headers).end('no')
  }

interface Stage {
  readonly addresses: readonly string[]
  readonly known: Addresses
  /** Which server heard a call, in order, with what it was told of attempts. */
  readonly heard: string[]
  readonly send: (change?: (call: SidecarCall) => void) => Promise<Seen>
}

interface Seen {
  readonly call: SidecarCall
  readonly status: number | undefined
  readonly text: string | undefined
  readonly error: CallError | undefined
}

/** One ambassador at several addresses; `away` is one at which nobody listens. */
async function stage(context: TestContext, servers: readonly (Serve | 'away')[]): Promise<Stage> {
  const heard: string[] = []
  const addresses: string[] = []
  for (const [at, serve] of servers.entries()) {
    if (serve === 'away') {
      addresses.push(`127.0.0.1:${await closedPort()}`)
      continue
    }
    const server = createServer((request, response) => {
      heard.push(`${at} ${String(request.headers['x-outrigger-attempts'])}`)
      serve(request, response)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    context.after(() => server.closeAllConnections())
    context.after(() => void server.close())
    const place = server.address()
    assert.ok(typeof place === 'object' && place !== null)
    addresses.push(`127.0.0.1:${place.port}`)
  }
  const clock = manualClock()
  const origins = new Origins()
  const trust = { current: undefined }
  const known = new Addresses({ origins, trust, clock })
  context.after(() => origins.destroy())
  const service = forward({ addresses: known, token: undefined, trust })
  const send = async (change?: (call: SidecarCall) => void): Promise<Seen> => {
    const call = callOf(clock)
    call.route = targetOf('m', { addresses })
    call.attemptsUntil = 6
    change?.(call)
    try {
      const answer = await service({ ...requestOf('{"model":"m"}') }, call)
      const text = String(await readBody(answer.body, 1_000))
      const told = header(answer.headers, 'x-outrigger-attempts')
      assert.equal(told, String(call.providerAttempts))
      return { call, status: answer.status, text, error: undefined }
    } catch (error) {
      assert.ok(error instanceof CallError, String(error))
      return { call, status: undefined, text: undefined, error }
    }
  }
  return { addresses, known, heard, send }
}

test('where connecting fails the call goes to a second address, and the first is left alone', async (context) => {
  const { known, addresses, heard, send } = await stage(context, ['away', serves])
  for (let call = 0; call < 20; call++) {
    const seen = await send()
    assert.deepEqual([seen.status, seen.text], [200, 'whole'])
    assert.deepEqual([heard.pop(), heard.length], ['1 0/6', 0])
    assert.equal(seen.call.providerAttempts, 1)
  }
  assert.deepEqual(known.counts(addresses), { known: 2, aside: 1 })
})

test('where an ambassador refuses before anything was done the call goes to a second address', async (context) => {
  const { heard, send } = await stage(context, [refuses, serves])
  const seen: string[] = []
  for (let call = 0; call < 20; call++) {
    const { status, call: made } = await send()
    assert.equal(status, 200)
    assert.equal(made.attempts, heard.length)
    assert.equal(made.providerAttempts, 1)
    seen.push(heard.splice(0).join(' '))
  }
  // The one that refused is left alone while the other serves.
  assert.deepEqual(new Set(seen).difference(new Set(['0 0/6 1 0/6', '1 0/6'])), new Set())
  assert.ok(seen.filter((one) => one === '1 0/6').length >= 19)
})

for (const [what, servers] of [
  ['refuse', [refuses, refuses, refuses, refuses]],
  ['are away', ['away', 'away', 'away', 'away']],
  ['refuse or are away', ['away', refuses, 'away', refuses]],
] as const) {
  test(`a third address is never tried, where all ${what}`, async (context) => {
    const { send, known, addresses, heard } = await stage(context, servers)
    for (let call = 0; call < 10; call++) {
      heard.length = 0
      const { call: made, status, error } = await send()
      assert.equal(made.attempts, 2)
      assert.ok(heard.length <= 2)
      assert.ok(status === 503 || error?.code === 'connect-failed')
      assert.equal(made.providerAttempts, 0)
    }
    assert.equal(known.isDown(addresses), true)
  })
}

for (const [what, serve] of [
  ['500 that may bill', fails(500, 1, 'unknown')],
  ['503 after tries at the provider', fails(503, 2, 'safe')],
  ['503 that is never to be repeated', fails(503, 0, 'never')],
  ['503 that may bill', fails(503, 0, 'unknown')],
  ['429', fails(429, 0, 'safe')],
  ['reset before the head', (request) => void request.socket.destroy()],
] as const satisfies readonly (readonly [string, Serve])[]) {
  test(`no second address is asked after a ${what}`, async (context) => {
    const { heard, send, known, addresses } = await stage(context, [serve, serve, serve])
    const { call } = await send()
    assert.deepEqual([heard.length, call.attempts], [1, 1])
    assert.deepEqual(known.counts(addresses), { known: 3, aside: 0 })
  })
}

/** What a server says on a connection that it ends. */
const parts: Serve = (_request, response) => {
  const headers = { 'x-outrigger-attempts': '0', 'x-outrigger-replay': 'safe', connection: 'close' }
  response.writeHead(408, headers).end()
}

test('a question that crossed the end of its connection is asked again, once', async (context) => {
  const { send, heard, known, addresses } = await stage(context, [
    (request, response) => (heard.length === 1 ? parts : serves)(request, response),
  ])
  const seen = await send()
  assert.deepEqual([seen.status, seen.text, heard.length], [200, 'whole', 2])
  assert.deepEqual(known.counts(addresses), { known: 1, aside: 0 })
  const ended = await stage(context, [parts])
  const { error } = await ended.send()
  assert.deepEqual(
    [error?.code, error?.row.replay, ended.heard.length],
    ['connect-failed', 'safe', 2],
  )
})

test('it goes to another address where there is one', async (context) => {
  const { send, heard } = await stage(context, [parts, parts, serves, serves])
  for (let call = 0; call < 20; call++) {
    heard.length = 0
    await send()
    assert.ok(heard.length <= 2)
    if (heard.length === 2) assert.notEqual(heard[0]?.[0], heard[1]?.[0])
  }
})

test('an ambassador that says that it ends is left alone until its place is another’s', async (context) => {
  const ends: Serve = (request, response) => {
    response.setHeader('connection', 'close')
    refuses(request, response)
  }
  const { send, known, addresses } = await stage(context, [ends, serves])
  while (known.counts(addresses).aside === 0) await send()
  const status = JSON.stringify(known.status())
  const asideMs = Math.max(...[...status.matchAll(/"asideMs":(\d+)/g)].map(([, ms]) => Number(ms)))
  assert.ok(asideMs > 20_000, status)
})

test('the connection of a refused try carries the next call', async (context) => {
  const sockets = new Set<object>()
  const counts: Serve = (request, response) => {
    sockets.add(request.socket)
    refuses(request, response)
  }
  const { send } = await stage(context, [counts, counts])
  for (let call = 0; call < 10; call++) await send()
  assert.equal(sockets.size, 2)
})

test('an ambassador alone at its address is asked again by the next call', async (context) => {
  const { send, heard } = await stage(context, [refuses])
  for (let call = 0; call < 3; call++) {
    const seen = await send()
    assert.deepEqual([seen.status, seen.call.attempts], [503, 1])
  }
  assert.equal(heard.length, 3)
})

test('only where no server of an ambassador is there the error says so', async (context) => {
  const all = await stage(context, ['away', 'away'])
  assert.equal((await all.send()).error?.facts['isDown'], true)
  const some = await stage(context, ['away', 'away', 'away'])
  const first = await some.send()
  assert.equal(first.error?.facts['isDown'], undefined)
  // The third is found out by the next call.
  assert.equal((await some.send()).error?.facts['isDown'], true)
})

test('attempts of earlier targets are told, and those of this one are added', async (context) => {
  const { heard, send } = await stage(context, [fails(500, 3, 'unknown')])
  const { call } = await send((given) => {
    given.providerAttempts = 2
    given.attemptsUntil = 5
  })
  assert.deepEqual([heard, call.providerAttempts], [['0 2/5'], 5])
})

test('calls go where fewer are in flight', async (context) => {
  const held: ServerResponse[] = []
  const holds: Serve = (_request, response) => void held.push(response)
  const { heard, send } = await stage(context, [holds, holds, holds])
  const calls = Array.from({ length: 60 }, () => send())
  while (held.length < 60) await new Promise((next) => setImmediate(next))
  const counts = [0, 1, 2].map((at) => heard.filter((line) => line.startsWith(`${at} `)).length)
  // Drawn by lot alone, three standard deviations are 11.
  assert.ok(
    counts.every((count) => count >= 17 && count <= 23),
    counts.join(' '),
  )
  for (const response of held) response.writeHead(200).end('whole')
  for (const call of calls) assert.equal((await call).status, 200)
})

test('what an application writes of attempts, patience and deadline is not passed on', async (context) => {
  const told: (string | string[] | undefined)[] = []
  const { send } = await stage(context, [
    (request, response) => {
      const { headers } = request
      told.push(
        headers['x-outrigger-attempts'],
        headers['x-outrigger-patience-ms'],
        headers['x-outrigger-deadline-ms'],
      )
      serves(request, response)
    },
  ])
  await send((call) => {
    call.patienceMs = 1e9
  })
  await send((call) => {
    call.patienceMs = 12.7
  })
  await send((call) => {
    call.deadlineMs = call.clock.now() - 5
  })
  assert.deepEqual(told, ['0/6', '1000', '1000', '0/6', '12', '1000', '0/6', '1', '1'])
})
