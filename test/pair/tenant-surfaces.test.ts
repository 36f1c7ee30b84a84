import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Asking, askings, goodQuestion } from './bad-input-bodies.ts'
import { plainProvider } from './bad-input-idle.ts'
import { ask } from './client.ts'
import { type Besides, besides } from './errors/besides.ts'
import { alias, type Half, type Provider, startProvider } from './harness.ts'

const environment = { A_SECRET: 'secret-of-a', B_SECRET: 'secret-of-b' }
const models = {
  'of-a': alias,
  'of-b': { targets: [{ provider: 'pool', model: 'b-own' }] },
}
const limits = [
  { requests: 1_000, per: 'month' },
  { tokens: 1_000_000, per: 'month' },
]
const identity = {
  kind: 'shared-secret',
  secrets: [
    { tenant: 'team-a', secret: 'A_SECRET' },
    { tenant: 'team-b', secret: 'B_SECRET' },
  ],
}
/** What an application of one tenant says to be taken for another. */
const forged = {
  authorization: 'Bearer secret-of-a',
  'x-outrigger-tenant': 'team-a',
  'x-outrigger-model': 'tiny',
}

/** How many calls of `tenant` the ambassador has counted, whatever became of them. */
function callsOf(metrics: string, tenant: string): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith('outrigger_ambassador_calls_total{'))
    .filter((line) => line.includes(`tenant="${tenant}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

describe('on every surface', { concurrency: 1 }, () => {
  let provider: Provider
  let extras: Besides
  let ambassador: Half
  let sidecars: Readonly<Record<'a' | 'b', Half>>

  before(async () => {
    provider = await startProvider()
    extras = besides(provider.port)
    const pool = plainProvider(provider.port)
    ambassador = await extras.start('ambassador', {
      pool,
      models,
      environment,
      ambassador: { identity },
      tenants: {
        'team-a': { models: ['of-a'], limits },
        'team-b': { models: ['of-b'], limits },
      },
    })
    const sidecarWith = (secret: string) =>
      extras.start('sidecar', {
        pool: { ...pool, address: `127.0.0.1:${ambassador.port}` },
        models,
        environment,
        sidecar: { secret },
      })
    sidecars = { a: await sidecarWith('A_SECRET'), b: await sidecarWith('B_SECRET') }
  })
  after(async () => {
    await extras?.close()
    await provider?.close()
  })

  function asked(
    tenant: 'a' | 'b',
    asking: Asking,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const body = { ...goodQuestion(asking), model: 'of-a' }
    return ask(sidecars[tenant].port, { path: asking.path, body, headers })
  }

  /** What `tenant` has used of each of its limits. */
  async function usedBy(tenant: string): Promise<readonly number[]> {
    const rows: readonly Readonly<Record<string, unknown>>[] = JSON.parse(
      (await ambassador.page('/statusz')).text,
    )['limits']
    return rows.filter((row) => row['tenant'] === tenant).map(({ used }) => Number(used))
  }

  for (const asking of askings) {
    const isCounted = asking.path.endsWith('_tokens')

    test(`${asking.path}: the model of another tenant is not asked, and refused in its dialect`, async () => {
      const earlier = provider.calls().length
      const { status, body, headers } = await asked('b', asking, forged)
      const said = body + JSON.stringify(headers)
      for (const word of ['team-a', 'secret-of']) assert.ok(!said.includes(word), said)
      assert.equal(provider.calls().length, earlier)
      // The pod counts for itself what its provider does not: that reaches nobody.
      if (isCounted) return assert.equal(status, 200)
      const { error, type } = JSON.parse(body)
      assert.deepEqual([status, error.code], [403, 'model-forbidden'])
      assert.equal(type, asking.family === 'anthropic' ? 'error' : undefined)
      assert.match(error.message, /^Cannot serve model '/)
      if (asking.family === 'openai') assert.equal(error.param, 'model')
    })

    test(`${asking.path}: what a tenant asks is counted and charged to it alone`, async () => {
      const metricsOf = async () => (await ambassador.page('/metrics')).text
      const [theirs, others] = [await usedBy('team-a'), await usedBy('team-b')]
      const metrics = await metricsOf()
      const { status, body, headers } = await asked('a', asking)
      assert.equal(status, 200, body)
      // Its last figures are written when its body has ended.
      const call = String(headers['x-outrigger-call'])
      if (!isCounted) {
        const line = await ambassador.line((one) => one['msg'] === 'call' && one['call'] === call)
        assert.equal(line['tenant'], 'team-a')
        const now = await usedBy('team-a')
        assert.ok(now.length === 2 && now.every((used, at) => used > (theirs[at] ?? used)), body)
        assert.equal(callsOf(await metricsOf(), 'team-a'), callsOf(metrics, 'team-a') + 1)
      }
      assert.deepEqual(await usedBy('team-b'), others)
      assert.equal(callsOf(await metricsOf(), 'team-b'), callsOf(metrics, 'team-b'))
    })
  }

  test('what a pod of one tenant shows of itself knows no other tenant', async () => {
    for (const path of ['/metrics', '/statusz', '/configz']) {
      const { text } = await sidecars.b.page(path)
      for (const word of ['team-a', 'secret-of']) assert.ok(!text.includes(word), path)
    }
  })
})
