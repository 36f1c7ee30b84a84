import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { readBody } from '#shared/http/body.ts'
import { arrived, sidecarOf, stage } from './stage.ts'

const name = 'ambassador-openai.outrigger-system'
const ips = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const

/** Replicas of one ambassador: the same port at an address each, as pods have it. */
async function replicas(context: TestContext) {
  const heard: string[] = []
  const hosts = new Set<string | undefined>()
  const held: ServerResponse[] = []
  const connections = new Map<string, number>()
  const servers: Server[] = []
  let port = 0
  for (const ip of ips) {
    const server = createServer((request, response) => {
      heard.push(ip)
      hosts.add(request.headers.host)
      if (request.url === '/held') {
        response.write('begun ')
        held.push(response)
      } else response.end('whole')
    })
    server.on('connection', () => connections.set(ip, (connections.get(ip) ?? 0) + 1))
    server.listen(port, ip)
    await once(server, 'listening')
    const place = server.address()
    assert.ok(typeof place === 'object' && place !== null)
    port = place.port
    servers.push(server)
  }
  context.after(() => {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  })
  return { heard, hosts, held, connections, port }
}

test('load follows replicas that come and go, and no call is cut', async (context) => {
  const { heard, hosts, held, connections, port } = await replicas(context)
  const sidecar = sidecarOf('{ connectionMaxAge: 5m, lookupEvery: 30s }')
  const { addresses, origins, names, clock } = stage(sidecar)
  context.after(() => origins.destroy())
  const list = [`${name}:${port}`]
  addresses.retain(list, sidecar)
  const begin = (path: string) => {
    const endpoint = addresses.pick(list, sidecar)
    return addresses
      .connectionsTo(endpoint, sidecar)
      .exchange(
        { method: 'GET', path, headers: [], body: undefined },
        { headMs: 60_000, idleMs: 600_000, cancellation: new Cancellation(), clock, peer: 'it' },
      )
  }
  const calls = async (count: number): Promise<Record<string, number>> => {
    heard.length = 0
    for (let call = 0; call < count; call++) {
      assert.equal(String(await readBody((await begin('/')).body, 1_000)), 'whole')
    }
    return Object.fromEntries(ips.map((ip) => [ip, heard.filter((one) => one === ip).length]))
  }
  const become = async (records: readonly string[]) => {
    names.records.set(name, records)
    clock.advance(30_000)
    addresses.pick(list, sidecar)
    await arrived()
  }
  await become(ips.slice(0, 2))
  const two = await calls(60)
  assert.ok(Number(two[ips[0]]) > 15 && Number(two[ips[1]]) > 15, JSON.stringify(two))
  assert.equal(two[ips[2]], 0)
  // Streams that run on the first two while a third comes and the first goes.
  const running = await Promise.all([
    begin('/held'),
    begin('/held'),
    begin('/held'),
    begin('/held'),
  ])
  const texts = running.map(({ body }) => readBody(body, 1_000))
  await become(ips)
  const three = await calls(60)
  // The others have streams: what comes goes where there are none.
  assert.ok(Number(three[ips[2]]) > 20, JSON.stringify(three))
  await become(ips.slice(1))
  assert.equal((await calls(60))[ips[0]], 0)
  for (const response of held) response.end('and ended')
  for (const text of await Promise.all(texts)) assert.equal(String(text), 'begun and ended')
  // Whatever the address, it is asked by its name.
  assert.deepEqual([...hosts], [`${name}:${port}`])
  // Connections are kept: two or three of each, for as many calls at once.
  assert.ok(
    [...connections.values()].every((count) => count <= 5),
    JSON.stringify([...connections]),
  )
})
