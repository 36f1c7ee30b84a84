import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import type { SidecarCall } from '../../../sidecar/call.ts'
import { toOwner } from '../../../sidecar/stored/to-owner.ts'
import { answered, requestOf } from '../sidecar-call.ts'
import { chainOf, longFor, namesOf, responsesCall, sealedFor } from './bound-call.ts'

/** What the call is when it goes on. */
async function ask(question: object | string, call = responsesCall()): Promise<SidecarCall> {
  const body = typeof question === 'string' ? question : JSON.stringify(question)
  let seen: string | undefined
  const layer = toOwner()(async (request) => {
    seen = request.body.toString()
    return answered(200)
  })
  await layer(requestOf(body), call)
  assert.equal(seen, body)
  return call
}

function refusedAs(code: string, words: RegExp) {
  return (error: unknown) =>
    error instanceof CallError && error.code === code && words.test(error.message)
}

const onB = sealedFor('resp_0f0f', 'b')

const addressing: Readonly<Record<string, (id: string) => object>> = {
  'what came before': (id) => ({ previous_response_id: id }),
  'what is compared': (id) => ({ prompt_cache_options: { comparison_response_id: id } }),
  'a reference': (id) => ({ input: [{ type: 'item_reference', id }] }),
  'an approval': (id) => ({ input: [{ type: 'mcp_approval_response', approval_request_id: id }] }),
  'a conversation': (id) => ({ conversation: id }),
  'a container': (id) => ({ tools: [{ type: 'code_interpreter', container: id }] }),
}

for (const [what, questionOf] of Object.entries(addressing)) {
  test(`a question that names ${what} stays with the provider that has it`, async () => {
    for (const id of [onB, longFor('resp_0f0f', 'b')]) {
      const call = await ask(questionOf(id))
      assert.deepEqual(namesOf(call.chain), ['b', 'refused'])
      assert.equal(call.route?.provider, 'b')
      assert.equal(call.isBound, true)
    }
  })
}

test('another tenant’s id goes to the provider that it names, which alone can refuse it', async () => {
  const foreign = sealedFor('resp_0f0f', 'b', 'team-b')
  const call = await ask({ previous_response_id: foreign })
  assert.deepEqual(namesOf(call.chain), ['b', 'refused'])
})

test('reasoning that is sent whole stays with its provider; messages and calls bind nothing', async () => {
  const whole = (type: string, id: string) => ({ input: [{ type, id: sealedFor(id, 'b') }] })
  const bound = await ask(whole('reasoning', 'rs_0f'))
  assert.deepEqual([namesOf(bound.chain), bound.isBound], [['b', 'refused'], false])
  for (const [type, id] of [
    ['message', 'msg_0f'],
    ['function_call', 'fc_0f'],
    ['function_call_output', 'fco_0f'],
  ] as const) {
    assert.deepEqual(namesOf((await ask(whole(type, id))).chain), ['a', 'b', 'refused'])
  }
})

test('an id that nobody has sealed is found nowhere, and binds nothing where it need not be', async () => {
  const unknown = sealedFor('resp_0f', 'gone')
  for (const id of ['resp_0f0f', `${onB}x`.slice(0, 8), unknown, '']) {
    const missing = refusedAs('stored-not-found', /not found/)
    await assert.rejects(ask({ previous_response_id: id }), missing)
    await assert.rejects(ask({ input: [{ type: 'item_reference', id }] }), missing)
    const call = await ask({ input: [{ type: 'reasoning', id }], conversation: id || undefined })
    assert.deepEqual(namesOf(call.chain), ['a', 'b', 'refused'])
  }
})

test('what is stored with two providers cannot be brought together', async () => {
  const input = [{ type: 'item_reference', id: sealedFor('msg_0f', 'a') }]
  const two = { input, previous_response_id: onB }
  await assert.rejects(ask(two), refusedAs('invalid-field', /different providers/))
})

test('a model without a target at the owner cannot go on', async () => {
  const elsewhere = () => responsesCall(chainOf('a', 'c'))
  const words = /'assistant' has no target/
  for (const id of [onB, longFor('resp_0f', 'b'), longFor('resp_0f', 'gone')]) {
    const asked = ask({ previous_response_id: id }, elsewhere())
    await assert.rejects(asked, refusedAs('invalid-field', words))
  }
})

test('of several targets at the owner all stay, in their order', async () => {
  const call = await ask({ previous_response_id: onB }, responsesCall(chainOf('b', 'a', 'b')))
  assert.deepEqual(namesOf(call.chain), ['b', 'b', 'refused'])
})

test('a question without an id, and one of another dialect, are not read', async () => {
  const call = await ask('no JSON at all')
  assert.deepEqual(namesOf(call.chain), ['a', 'b', 'refused'])
  const chat = responsesCall()
  chat.surface = { path: '/v1/chat/completions', dialect: 'chat', wants: 'answer' }
  await ask('{"previous_response_id": broken', chat)
  assert.deepEqual(namesOf(chat.chain), ['a', 'b', 'refused'])
})

test('one that may name something and is no JSON is refused; a count is always read', async () => {
  const broken = refusedAs('invalid-json', /no JSON/)
  await assert.rejects(ask('{"previous_response_id": '), broken)
  const count = responsesCall()
  count.surface = { path: '/v1/responses/input_tokens', dialect: 'responses', wants: 'count' }
  await assert.rejects(ask('{"input": ', count), broken)
})

test('a large question is read in steps, and ends with its call', async () => {
  const text = 'x'.repeat(400_000)
  const question = { input: text, previous_response_id: onB }
  assert.deepEqual(namesOf((await ask(question)).chain), ['b', 'refused'])
  const left = responsesCall()
  const asked = ask(question, left)
  left.cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller has left'))
  await assert.rejects(asked, refusedAs('client-left', /left/))
})

test('wherever an id stands, the call goes to the provider that it names or to none', async () => {
  const places = fc.constantFrom(...Object.values(addressing))
  const providers = fc.constantFrom('a', 'b', 'c', 'gone')
  await fc.assert(
    fc.asyncProperty(
      places,
      providers,
      fc.stringMatching(/^[0-9a-f]{0,60}$/),
      async (questionOf, provider, digits) => {
        const call = responsesCall()
        const id = sealedFor(`resp_${digits}`, provider)
        const asked = await ask(questionOf(id), call).catch((error: unknown) => error)
        if (asked instanceof CallError) return
        // A conversation or a container of a provider that is not there may be a plain id.
        const expected = provider === 'gone' ? ['a', 'b', 'refused'] : [provider, 'refused']
        assert.deepEqual(namesOf(call.chain), expected)
      },
    ),
  )
})
