import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { startAdminServer, textPage } from '#shared/lifecycle/admin-server.ts'

test('the loopback’s pages answer to addresses and localhost, and to no other name', async (t) => {
  const pages = { '/statusz': () => textPage(200, 'fine') }
  const server = await startAdminServer({ host: '127.0.0.1', port: 0 }, pages)
  t.after(() => server.close())
  const statusOf = async (host: string) => {
    const request = get({
      host: '127.0.0.1',
      port: server.port,
      path: '/statusz',
      headers: { host },
    })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }
  const own = ['127.0.0.1', `127.0.0.1:${server.port}`, 'localhost:4102', '[::1]:4102']
  for (const host of own) assert.equal(await statusOf(host), 200, host)
  const others = ['rebound.example', 'rebound.example:4102', 'localhost.rebound.example']
  for (const host of others) assert.equal(await statusOf(host), 421, host)
})

test('the loopback’s work is not begun by a page from elsewhere', async (t) => {
  let begun = 0
  const stream = async () => {
    begun++
    return textPage(200, 'done')
  }
  const server = await startAdminServer({ host: '127.0.0.1', port: 0 }, { '/work': { stream } })
  t.after(() => server.close())
  const statusFrom = async (origin?: string) => {
    const headers = origin === undefined ? {} : { origin }
    const answer = await fetch(`http://127.0.0.1:${server.port}/work`, { method: 'POST', headers })
    await answer.text()
    return answer.status
  }
  const seen = [await statusFrom(), await statusFrom('http://127.0.0.1:4102')]
  assert.deepEqual(seen, [200, 200])
  assert.equal(await statusFrom('https://elsewhere.example'), 403)
  assert.equal(begun, 2)
})
