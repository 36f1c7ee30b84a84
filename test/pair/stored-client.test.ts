import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import OpenAI from 'openai'
import { isSealed, plainId as plain } from './sealed-words.ts'
import { StoredStage, type TenantName } from './stored-stage.ts'

const brief = { max_output_tokens: 4 }

describe('the official SDK with stored responses', { concurrency: 1 }, () => {
  let stage: StoredStage
  let client: OpenAI

  before(async () => {
    stage = await StoredStage.start()
    client = stage.client('team-a')
  })
  after(async () => stage?.close())

  /** What was sent last for the responses API. */
  const sent = (of: 'first' | 'second' = 'first') => {
    const heard = stage[of].heard.at(-1)
    assert.ok(heard !== undefined)
    return heard
  }
  const missing = (error: unknown) => error instanceof OpenAI.NotFoundError

  test('a response is made, found, listed, gone on with and removed', async () => {
    const first = await client.responses.create({ model: 'first', input: 'one', ...brief })
    assert.ok(isSealed(first.id) && /^resp_[A-Za-z0-9_-]{1,59}$/.test(first.id))
    const found = await client.responses.retrieve(first.id)
    assert.deepEqual({ ...found, output_text: first.output_text }, first)
    const items = await client.responses.inputItems.list(first.id)
    const [item] = items.data
    assert.ok(item?.id !== undefined && isSealed(item.id))
    const next = await client.responses.create({
      model: 'first',
      input: 'two',
      previous_response_id: first.id,
      ...brief,
    })
    assert.equal(JSON.parse(sent().body).previous_response_id, plain(first.id))
    assert.equal(next.previous_response_id, first.id)
    // Two turns: the question and the answer of the first are before those of the second.
    const all = await client.responses.inputItems.list(next.id, { order: 'asc' })
    assert.equal(all.data.length, 3)
    assert.equal(all.data[1]?.id, first.output[0]?.id)
    const rest = await client.responses.inputItems.list(next.id, {
      order: 'asc',
      after: all.data[0]?.id ?? '',
      limit: 1,
    })
    assert.deepEqual(rest.data, [all.data[1]])
    await client.responses.delete(first.id)
    await assert.rejects(client.responses.retrieve(first.id), (error: unknown) => {
      assert.ok(error instanceof OpenAI.NotFoundError)
      assert.ok(error.message.includes(`Response with id '${first.id}' not found.`))
      return true
    })
    // The provider's own words for it, with the id as it was written.
    const gone = { model: 'first', input: 'x', previous_response_id: first.id }
    await assert.rejects(client.responses.create(gone), (error: unknown) => {
      assert.ok(error instanceof OpenAI.BadRequestError)
      assert.equal(error.code, 'previous_response_not_found')
      assert.ok(error.message.includes(first.id), error.message)
      return true
    })
  })

  test('a stream names the ids that the whole response has, and is gone on with by a stream', async () => {
    const ids = new Map<string, string>()
    const take = async (more: object) => {
      const asked = { model: 'first', input: 'say it', stream: true as const, ...brief, ...more }
      const stream = await client.responses.create(asked)
      let last: OpenAI.Responses.Response | undefined
      for await (const event of stream) {
        if ('item_id' in event) ids.set('item', event.item_id)
        if ('response' in event) last = event.response
      }
      assert.ok(last !== undefined)
      return last
    }
    const first = await take({})
    assert.equal(ids.get('item'), first.output[0]?.id)
    assert.ok(isSealed(first.id) && isSealed(first.output[0]?.id))
    const again = await client.responses.retrieve(first.id)
    assert.deepEqual(again.output, first.output)
    const next = await take({ previous_response_id: first.id })
    assert.equal(next.previous_response_id, first.id)
    assert.equal(JSON.parse(sent().body).previous_response_id, plain(first.id))
    const resumed = await client.responses.retrieve(next.id, { stream: true })
    const named: string[] = []
    for await (const event of resumed) if ('response' in event) named.push(event.response.id)
    assert.deepEqual(named, [next.id, next.id])
  })

  test('what is made in the background is waited for, or cancelled', async () => {
    const asked = { model: 'first', input: 'x', background: true, ...brief }
    const one = await client.responses.create(asked)
    assert.equal(one.status, 'queued')
    assert.equal((await client.responses.retrieve(one.id)).status, 'in_progress')
    assert.equal((await client.responses.retrieve(one.id)).status, 'incomplete')
    const other = await client.responses.create(asked)
    const cancelled = await client.responses.cancel(other.id)
    assert.deepEqual([cancelled.id, cancelled.status], [other.id, 'cancelled'])
    assert.equal(sent().method, 'POST')
    const stranger = stage.client('team-b')
    await assert.rejects(stranger.responses.cancel(other.id), missing)
    await assert.rejects(stranger.responses.retrieve(one.id, { stream: true }), missing)
  })

  test('a history that the caller keeps itself goes back as it came', async () => {
    const asked = { model: 'first', store: false, ...brief }
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'one' }]
    const first = await client.responses.create({ ...asked, input })
    await assert.rejects(client.responses.retrieve(first.id), missing)
    const [message] = first.output
    assert.ok(message?.type === 'message')
    await client.responses.create({
      ...asked,
      input: [...input, message, { role: 'user', content: 'two' }],
    })
    const [, back] = JSON.parse(sent().body).input
    assert.deepEqual(back, { ...message, id: plain(message.id) })
  })

  test('an item is referred to by its id', async () => {
    const first = await client.responses.create({ model: 'first', input: 'one', ...brief })
    const id = first.output[0]?.id ?? ''
    const input = [
      { type: 'item_reference' as const, id },
      { role: 'user' as const, content: 'x' },
    ]
    const next = await client.responses.create({ model: 'first', input, ...brief })
    const items = await client.responses.inputItems.list(next.id, { order: 'asc' })
    assert.equal(items.data[0]?.id, id)
  })

  test('what is stored goes back to the provider and the key that have it, whatever the alias', async () => {
    const ask = (model: string, previous: string | null = null) =>
      client.responses.create({ model, input: 'x', previous_response_id: previous, ...brief })
    // First the other one of the chain: no target before it is asked.
    const second = await ask('second')
    const from = stage.first.heard.length
    const next = await ask('assistant', second.id)
    assert.ok(isSealed(next.id, 'other'))
    assert.equal(JSON.parse(sent('second').body).previous_response_id, plain(second.id))
    assert.equal(stage.first.heard.length, from)
    // Each key has an account of its own, so a wrong one would not find it.
    const keys = new Map<string, string>()
    while (keys.size < 2) keys.set((await ask('first')).id, sent().headers.authorization ?? '')
    for (const [id, key] of keys) {
      let previous = id
      for (let turn = 0; turn < 3; turn++) {
        previous = (await ask('assistant', previous)).id
        assert.equal(sent().headers.authorization, key)
        await client.responses.retrieve(previous)
        assert.equal(sent().headers.authorization, key)
      }
    }
  })

  test('two owners in one question, and an alias without the owner, are refused with the reason', async () => {
    const made = async (model: string) => client.responses.create({ model, input: 'x', ...brief })
    const [one, other] = [await made('first'), await made('second')]
    const from = stage.heard.length
    const refused = async (
      body: OpenAI.Responses.ResponseCreateParamsNonStreaming,
      words: RegExp,
    ) =>
      assert.rejects(client.responses.create(body), (error: unknown) => {
        assert.ok(error instanceof OpenAI.BadRequestError)
        assert.match(error.message, words)
        return true
      })
    const input = [{ type: 'item_reference' as const, id: other.output[0]?.id ?? '' }]
    await refused(
      { model: 'assistant', input, previous_response_id: one.id },
      /different providers/,
    )
    const gone = { model: 'second', input: 'x', previous_response_id: one.id }
    await refused(gone, /has no target at its provider/)
    assert.equal(stage.heard.length, from)
  })

  test('what only reads is asked again where the provider is gone for a moment; nothing else is', async () => {
    const { id } = await client.responses.create({ model: 'first', input: 'x', ...brief })
    const from = stage.first.heard.length
    stage.first.fail(1)
    assert.equal((await client.responses.retrieve(id)).id, id)
    assert.equal(stage.first.heard.length, from + 2)
    stage.first.fail(1)
    const gone = (error: unknown) => error instanceof OpenAI.InternalServerError
    await assert.rejects(client.responses.delete(id), gone)
    assert.equal(stage.first.heard.length, from + 3)
  })

  test('a provider that hangs is given up, and nothing is left of the question', async () => {
    const { id } = await client.responses.create({ model: 'first', input: 'x', ...brief })
    const from = stage.first.heard.length
    stage.first.hush(true)
    try {
      for (const [method, suffix, tries] of [
        ['GET', '', 2],
        ['GET', '/input_items', 2],
        ['POST', '/cancel', 1],
        ['DELETE', '', 1],
      ] as const) {
        const before = stage.first.heard.length
        const answer = await stage.ask('team-a', method, `/v1/responses/${id}${suffix}`)
        assert.equal(answer.status, 504, answer.text)
        assert.equal(stage.first.heard.length, before + tries)
      }
    } finally {
      stage.first.hush(false)
    }
    assert.equal(stage.first.heard.length, from + 6)
    await stage.first.whenLeft()
    const page = JSON.parse((await stage.ambassador.page('/statusz')).text)
    assert.equal(page.callsInFlight, 0)
    const metrics = (await stage.ambassador.page('/metrics')).text
    assert.doesNotMatch(metrics, /tenant_calls_in_flight\{[^}]*\} [1-9]/)
    assert.equal((await client.responses.retrieve(id)).id, id)
  })

  test('who leaves while the provider thinks takes the question along', async () => {
    const { id } = await client.responses.create({ model: 'first', input: 'x', ...brief })
    const from = stage.first.heard.length
    stage.first.hush(true)
    const leaving = new AbortController()
    const asked = client.responses.retrieve(id, {}, { signal: leaving.signal })
    await stage.first.whenHeard(from + 1)
    leaving.abort()
    await assert.rejects(asked, OpenAI.APIUserAbortError)
    await stage.first.whenLeft()
    stage.first.hush(false)
    assert.equal(stage.first.heard.length, from + 1)
  })

  test('lines and metrics name the question, and no id', async () => {
    const { id } = await client.responses.create({ model: 'first', input: 'x', ...brief })
    const from = stage.ambassador.mark
    await client.responses.inputItems.list(id)
    const surface = '/v1/responses/{id}/input_items'
    await stage.ambassador.line((one) => one['surface'] === surface, from)
    const { text } = await stage.sidecar('team-a').page('/metrics')
    assert.ok(text.includes(`surface="${surface}"`), text)
    for (const half of [stage.sidecar('team-a'), stage.ambassador]) {
      assert.ok(!(await half.page('/metrics')).text.includes('resp_'))
      const lines = half.lines.filter(({ msg }) => msg === 'call')
      assert.ok(lines.length > 0 && !JSON.stringify(lines).includes('resp_'))
    }
  })

  test('a tenant that asks for what is stored uses its requests', async () => {
    const baseURL = `http://127.0.0.1:${stage.ambassador.port}/v1`
    const third = new OpenAI({ apiKey: 'secret-of-c', baseURL, maxRetries: 0 })
    const { id } = await third.responses.create({ model: 'test-model', input: 'x', ...brief })
    await third.responses.retrieve(id)
    const from = stage.heard.length
    await assert.rejects(third.responses.retrieve(id), OpenAI.RateLimitError)
    assert.equal(stage.heard.length, from)
  })

  test('a large body is looked through as a small one is', async () => {
    const { id } = await client.responses.create({ model: 'first', input: 'x', ...brief })
    const input = [{ role: 'user' as const, content: 'y'.repeat(700_000) }]
    const asked = { model: 'assistant', input, ...brief }
    await client.responses.create({ ...asked, previous_response_id: id })
    assert.ok(sent().body.includes(`"previous_response_id":"${plain(id)}"`))
    const stranger = stage.client('team-b')
    await assert.rejects(stranger.responses.create({ ...asked, previous_response_id: id }), missing)
  })
})

describe('keys that seal ids', { concurrency: 1 }, () => {
  const made = async (stage: StoredStage, tenant: TenantName = 'team-a') => {
    const client = stage.client(tenant)
    return (await client.responses.create({ model: 'first', input: 'x', ...brief })).id
  }
  const status = async (stage: StoredStage, id: string) =>
    (await stage.ask('team-a', 'GET', `/v1/responses/${id}`)).status

  test('a key is replaced while calls run: old ids are good for as long as it is named', async () => {
    const stage = await StoredStage.start(['SEAL_ONE'])
    try {
      const before = await made(stage)
      await stage.reseal(['SEAL_TWO', 'SEAL_ONE'])
      const during = await made(stage)
      assert.deepEqual([await status(stage, before), await status(stage, during)], [200, 200])
      await stage.reseal(['SEAL_TWO'])
      assert.deepEqual([await status(stage, before), await status(stage, during)], [404, 200])
      // A key that is too short seals nothing, and no other one takes its place.
      await stage.reseal(['SEAL_SHORT', 'SEAL_TWO'])
      const answer = await stage.ask('team-a', 'GET', `/v1/responses/${during}`)
      assert.equal(answer.status, 503)
      assert.match(answer.text, /'env:SEAL_SHORT' is shorter than 32 bytes/)
      await stage.reseal([])
      assert.equal(await status(stage, during), 404)
      const own = await made(stage)
      assert.equal(await status(stage, own), 200)
      const page = JSON.parse((await stage.ambassador.page('/statusz')).text)
      assert.equal(page.storedIds.keys, 'own')
      const told = stage.ambassador.lines.filter(({ msg }) => /No storedIds/.test(String(msg)))
      assert.equal(told.length, 1)
    } finally {
      await stage.close()
    }
  })
})
