import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { besides } from './errors/besides.ts'
import { until } from './errors/occupy.ts'
import { closedPort } from './harness.ts'

test('whether the provider answers is a condition of its own, and makes nothing unready', async () => {
  const asked: string[] = []
  const provider = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    // Any word of its own shows that it is there, also that it refuses the key.
    response.writeHead(401).end('{}')
  })
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
  const address = provider.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const extras = besides(port)
  const hosted = (at: number) => ({
    kind: 'openai-compatible',
    replicas: undefined,
    baseUrl: `http://127.0.0.1:${at}/v1`,
  })
  try {
    const there = await extras.start('ambassador', { pool: hosted(port) })
    const gone = await extras.start('ambassador', { pool: hosted(await closedPort()) })
    await until(async () => (await gone.page('/readyz/provider')).status === 503)
    await until(() => asked.length > 0)
    assert.equal((await there.page('/readyz/provider')).status, 200)
    for (const half of [there, gone]) assert.equal((await half.page('/readyz')).status, 200)
    assert.deepEqual(asked, ['GET /v1/models'])
    const { text } = await gone.page('/metrics')
    assert.match(text, /outrigger_ambassador_provider_reachable\{provider="pool"\} 0/)
  } finally {
    await extras.close()
    provider.close()
  }
})
