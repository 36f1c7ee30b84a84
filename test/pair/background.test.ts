import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type OpenAI from 'openai'
import type { Line } from './harness.ts'
import { StoredStage } from './stored-stage.ts'

const asked = { model: 'first', input: 'tell me', background: true, max_output_tokens: 40 }

/** A count of a ledger line, `~` or not. */
function tokens(line: Line, key: string): number {
  const value = line[key]
  return Number(typeof value === 'string' ? value.replace('~', '') : (value ?? 0))
}

describe('a response in the background is charged once, for what it used', {
  concurrency: 1,
}, () => {
  let stage: StoredStage
  let client: OpenAI

  before(async () => {
    stage = await StoredStage.start()
    client = stage.client('team-a')
  })
  after(async () => stage?.close())

  /** The ledger lines of the first provider's ambassador, once there are `count` of them. */
  async function ledger(count: number): Promise<readonly Line[]> {
    const isCall = (line: Line) => line['msg'] === 'call'
    await stage.ambassador.line(() => stage.ambassador.lines.filter(isCall).length >= count)
    return stage.ambassador.lines.filter(isCall)
  }

  async function metrics(): Promise<readonly string[]> {
    return (await stage.ambassador.page('/metrics')).text.split('\n')
  }

  function sumOf(lines: readonly string[], name: string, words: string): number {
    return lines
      .filter((line) => line.startsWith(name) && line.includes(words))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** As the provider's books have them, by the stage's prices, in 10^-6 US dollars. */
  function due(): number {
    const { input, cached, output } = stage.truth
    return (input - cached) * 2 + cached + output * 10
  }

  let lines = 0

  async function agree(): Promise<void> {
    const all = await ledger(lines)
    assert.equal(all.length, lines)
    const sum = (key: string) => all.reduce((total, line) => total + tokens(line, key), 0)
    const { truth } = stage
    const own = await metrics()
    for (const [key, type] of [
      ['inputTokens', 'input'],
      ['outputTokens', 'output'],
    ] as const) {
      assert.equal(sum(key), truth[type], `ledger: ${key}`)
      assert.equal(sumOf(own, 'outrigger_ambassador_tokens_total', `type="${type}"`), truth[type])
      const limit = `limit="${key} per month"`
      assert.equal(sumOf(own, 'outrigger_tenant_limit_used', limit), truth[type], limit)
    }
    const cost = all.reduce((total, line) => total + Number(line['costUsd'] ?? 0), 0)
    assert.equal(Math.round(cost * 1e6), due())
    const counted = sumOf(own, 'outrigger_ambassador_cost_usd_total', 'team-a')
    assert.equal(Math.round(counted * 1e6), due())
    const limited = sumOf(own, 'outrigger_tenant_limit_used', 'limit="usd per month"')
    assert.equal(Math.round(limited * 1e6), due())
  }

  test('retrieved: the first answer that shows its usage corrects the estimate, and no other does', async () => {
    const { id } = await client.responses.create({ ...asked, max_output_tokens: 300 })
    lines = 1
    const [made] = await ledger(lines)
    assert.ok(made !== undefined)
    assert.equal(made['outputTokens'], '~300')
    assert.equal(made['tokensExact'], false)
    const before = await metrics()
    assert.equal(sumOf(before, 'outrigger_ambassador_tokens_total', ''), 0)
    assert.equal(
      sumOf(before, 'outrigger_tenant_limit_used', 'limit="outputTokens per month"'),
      300,
    )
    assert.equal((await client.responses.retrieve(id)).status, 'in_progress')
    const found = await client.responses.retrieve(id)
    lines += 2
    const last = (await ledger(lines)).at(-1)
    assert.equal(last?.['settles'], made['call'])
    assert.equal(last?.['surface'], '/v1/responses/{id}')
    assert.equal(last?.['outputTokens'], (found.usage?.output_tokens ?? 0) - 300)
    await agree()
    await client.responses.retrieve(id)
    lines += 1
    await agree()
  })

  test('the stream of one that was made before shows it too', async () => {
    const { id } = await client.responses.create(asked)
    for (let turn = 0; turn < 3; turn++) {
      const stream = await client.responses.retrieve(id, { stream: true })
      for await (const event of stream) assert.ok('type' in event)
    }
    lines += 4
    await agree()
  })

  test('at once or as a stream, what ends before its call does is charged by its own usage', async () => {
    const stream = await client.responses.create({ ...asked, stream: true })
    for await (const event of stream) assert.ok('type' in event)
    await client.responses.create({ ...asked, background: false })
    lines += 2
    await agree()
  })

  test('retrieved at the same time by many, it is charged once', async () => {
    const { id } = await client.responses.create(asked)
    await client.responses.retrieve(id)
    await Promise.all(Array.from({ length: 8 }, () => client.responses.retrieve(id)))
    lines += 10
    await agree()
  })

  test('never retrieved, or without an end, the estimate stands and says so', async () => {
    const { truth } = stage
    const { id } = await client.responses.create({ ...asked, max_output_tokens: null })
    const cancelled = await client.responses.cancel(id)
    assert.equal(cancelled.usage, null)
    lines += 2
    const [made, last] = (await ledger(lines)).slice(-2)
    // No maximum: what the tenant holds for an answer, or what such answers came to where that is more.
    assert.ok(made !== undefined)
    const held = tokens(made, 'outputTokens')
    assert.equal(made['outputTokens'], `~${held}`)
    assert.ok(held > 50, 'as much as those before came to')
    assert.equal(last?.['outputTokens'], 0)
    const own = await metrics()
    const used = sumOf(own, 'outrigger_tenant_limit_used', 'limit="outputTokens per month"')
    assert.equal(used, truth.output + held)
    const page = JSON.parse((await stage.ambassador.page('/statusz')).text)
    assert.equal(page.backgroundResponses, 1)
  })
})
