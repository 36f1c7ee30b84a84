import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Placement } from '#ambassador/pool/placing/placement.ts'
import { Placing } from '#ambassador/pool/placing/placing.ts'
import { noMeter, placingDefaults } from '#ambassador/pool/placing/placing-settings.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import {
  type InboundResponse,
  type OriginOptions,
  Origins,
  type OutboundRequest,
} from '#shared/http/client.ts'
import type { ExchangeLimits } from '#shared/http/exchange.ts'
import { manualClock } from '#test/manual-clock.ts'
import { callAt, nothing, question, settle, underWay } from '../placing/stage.ts'
import { pageOf } from '../signals/pages.ts'

/** Servers that list the base model and these adapters, and load others when they are let. */
class Servers extends Origins {
  readonly adapters: readonly string[]
  status = 200
  letLoad: () => void = () => {}

  constructor(adapters: readonly string[]) {
    super()
    this.adapters = adapters
  }

  override async exchange(
    { path }: OutboundRequest,
    _: OriginOptions,
    { cancellation }: ExchangeLimits,
  ): Promise<InboundResponse> {
    if (path === '/metrics') {
      return said(pageOf({}, 'vllm:lora_requests_info{max_lora="4",running_lora_adapters=""} 1'))
    }
    if (path === '/v1/models') {
      const adapters = this.adapters.map((id) => ({ id, parent: 'm', root: '/' }))
      return said(JSON.stringify({ data: [{ id: 'm', parent: null }, ...adapters] }))
    }
    if (path !== '/v1/load_lora_adapter') throw new CallError('connect-failed', 'Cannot connect')
    await new Promise<void>((resolve, reject) => {
      this.letLoad = resolve
      cancellation.onCancel(reject)
    })
    return said('done', this.status)
  }
}

function said(text: string, status = 200): InboundResponse {
  return { status, headers: [], body: bytesBody(Buffer.from(text)), trailers: () => ({}) }
}

async function setUp(t: TestContext, listed: readonly string[], given: readonly string[]) {
  const clock = manualClock()
  const origins = new Servers(listed)
  const addresses = ['http://r0:1', 'http://r1:1']
  const adapters = Object.fromEntries(given.map((name) => [name, `/models/${name}`]))
  const placing = new Placing(
    { clock, origins, able: () => [addresses], meter: noMeter },
    { ...placingDefaults, adapters },
  )
  t.after(() => placing.close())
  placing.follow(addresses)
  const ask = () => {
    const call = callAt(clock, 600_000)
    call.model = 'sql'
    return placing.place(question(100), call)
  }
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000)
      await settle()
    }
  }
  // Their pages come by turns.
  await pass(3)
  return { placing, origins, ask, pass }
}

const endOf = ({ cancellation }: Placement) => cancellation.reason?.code ?? ''

test('a call with an adapter that its replica lists is waited for as any other', async (t) => {
  const { ask, pass } = await setUp(t, ['sql'], [])
  const placement = await ask()
  await pass(4)
  assert.equal(endOf(placement), '')
  await pass(2)
  assert.equal(endOf(placement), 'first-content-timeout')
})

test('a replica that may load the adapter by itself gets the time that a load may take', async (t) => {
  const { ask, pass } = await setUp(t, ['other'], [])
  const placement = await ask()
  await pass(64)
  assert.equal(endOf(placement), '')
  await pass(2)
  assert.equal(endOf(placement), 'first-content-timeout')
})

for (const status of [200, 404]) {
  test(`a first token is waited for from the end of the load on, where that says ${status}`, async (t) => {
    const { placing, origins, ask, pass } = await setUp(t, ['other'], ['sql'])
    origins.status = status
    const asked = ask()
    await settle()
    await pass(50)
    // Nothing of it is work of the replica till then.
    assert.deepEqual(underWay(placing), { ...nothing, inFlight: 1 })
    origins.letLoad()
    const placement = await asked
    assert.ok(underWay(placing).queuedTokens > 90)
    await pass(4)
    assert.equal(endOf(placement), '')
    await pass(2)
    assert.equal(endOf(placement), 'first-content-timeout')
    placement.end()
    assert.deepEqual(underWay(placing), nothing)
  })
}

test('a load that never ends is given up, and its call goes out', async (t) => {
  const { placing, ask, pass } = await setUp(t, ['other'], ['sql'])
  const asked = ask()
  await settle()
  await pass(59)
  assert.equal(underWay(placing).queuedTokens, 0)
  await pass(2)
  const placement = await asked
  assert.ok(underWay(placing).queuedTokens > 90)
  placement.end()
})
