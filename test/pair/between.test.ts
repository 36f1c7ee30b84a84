import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import { ask, dial, question } from './client.ts'
import { type Besides, besides } from './errors/besides.ts'
import {
  closedPort,
  type Half,
  type Pair,
  type Provider,
  startPair,
  startProvider,
} from './harness.ts'

let provider: Provider
let extras: Besides
/** An ambassador whose provider fails every call; its breaker opens at the second. */
let failing: Half
let pair: Pair

const to = (name: string) => ({ provider: name, model: 'tiny' })

before(async () => {
  provider = await startProvider()
  extras = besides(provider.port)
  const broken = await extras.listen(
    createServer((request, response) => {
      request.resume()
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{}}')
    }),
  )
  const breaker = { failures: 2, volume: 1_000_000, reset: '10m' }
  failing = await extras.start('ambassador', {
    pool: {
      kind: 'openai-compatible',
      replicas: undefined,
      baseUrl: `http://127.0.0.1:${broken}/v1`,
      retry: { attempts: 1 },
      breaker,
    },
  })
  const at = (address: string | readonly string[]) => ({
    kind: 'vllm',
    replicas: { addresses: ['http://127.0.0.1:1'] },
    address,
  })
  pair = await startPair({
    provider: provider.port,
    models: {
      chained: { targets: [to('failing'), to('pool')] },
      alone: { targets: [to('failing')] },
      lost: { targets: [to('gone'), to('pool')] },
    },
    providers: {
      failing: at(`127.0.0.1:${failing.port}`),
      gone: at([`127.0.0.1:${await closedPort()}`, `127.0.0.1:${await closedPort()}`]),
    },
    sidecar: { connectTimeout: '30s', count: { wait: '30s' } },
  })
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await provider?.close()
})

const askFor = (model: string) => ask(pair.port, question('chat', { body: { model } }))

/** Calls that the ambassador `failing` has answered, up to that with this id, which it has had. */
async function askedUntil(id: unknown): Promise<number> {
  await failing.line((line) => line['msg'] === 'call' && line['call'] === id)
  return failing.lines.filter((line) => line['msg'] === 'call').length
}

async function explained(model: string): Promise<Record<string, unknown>> {
  const ready = await pair.sidecar.line((line) => line['msg'] === 'ready')
  const { path, body } = question('chat', { body: { model } })
  const response = await fetch(`http://127.0.0.1:${Number(ready['adminPort'])}/explain`, {
    method: 'POST',
    body: JSON.stringify({ path, body }),
  })
  return JSON.parse(await response.text())
}

test('an ambassador whose breaker is open is asked no more by calls that have another target', async () => {
  // Two failures open it, the third call hears of it.
  for (let call = 0; call < 3; call++) assert.equal((await askFor('chained')).status, 200)
  for (let call = 0; call < 20; call++) {
    const { status, headers } = await askFor('chained')
    assert.equal(status, 200)
    assert.equal(headers['x-outrigger-passed-over'], 'failing/tiny=unavailable')
    const line = await pair.linesOf(String(headers['x-outrigger-call']))
    assert.equal(line.sidecar['attempts'], 1)
  }
  // Who has no other target asks it all the same.
  const { status, body, headers } = await askFor('alone')
  assert.equal(status, 503)
  assert.match(body, /breaker-open/)
  assert.ok(Number(headers['retry-after-ms']) > 0)
  assert.equal(await askedUntil(headers['x-outrigger-call']), 4)
})

test('that it is passed over stands in the metrics, on statusz and in the explanation', async () => {
  const { text: metrics } = await pair.sidecar.page('/metrics')
  assert.match(
    metrics,
    /^outrigger_sidecar_targets_passed_over\{provider="failing",model="tiny"\} 1$/m,
  )
  const status = JSON.parse((await pair.sidecar.page('/statusz')).text)
  const [away] = status.targetsPassedOver
  assert.deepEqual([away.provider, away.model, away.leftMs > 0], ['failing', 'tiny', true])
  const { order } = await explained('chained')
  assert.match(JSON.stringify(order), /passed over: it is known not to serve for another \d+ ms/)
  // To explain is not to ask: the target is passed over as before.
  assert.equal((await explained('chained'))['refused'], undefined)
})

test('an ambassador at no address of which anybody listens is passed over too', async () => {
  const first = await askFor('lost')
  const { sidecar: line } = await pair.linesOf(String(first.headers['x-outrigger-call']))
  assert.deepEqual([first.status, line['attempts']], [200, 3])
  const status = JSON.parse((await pair.sidecar.page('/statusz')).text)
  const away = status.targetsPassedOver.map(({ provider }: { provider: string }) => provider)
  assert.ok(away.includes('gone'))
  const { text: metrics } = await pair.sidecar.page('/metrics')
  assert.match(metrics, /^outrigger_sidecar_addresses\{provider="gone",state="aside"\} 2$/m)
  assert.match(metrics, /^outrigger_sidecar_addresses\{provider="pool",state="used"\} 1$/m)
})

test('the ambassador keeps an idle connection longer than the sidecar does, and says so', async () => {
  const socket = await dial(pair.ambassador.port)
  socket.write('GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n')
  const [chunk] = await once(socket, 'data')
  socket.destroy()
  const said = /keep-alive: timeout=(\d+)/i.exec(String(chunk))?.[1]
  const loaded = parseConfig('{}', 'test')
  assert.ok(loaded.ok)
  assert.ok(Number(said) * 1_000 > loaded.config.sidecar.keepAlive, `it said ${said} s`)
})
