import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { hear, ResumedCall, type Script, type Server } from './stage.ts'

/** Behind some content. */
const midway = 900
const reset = { breaks: { atByte: midway, as: 'upstream-reset' } } as const

/** The stream ends with an error event, as without the layer; gives how many servers were asked. */
async function refused(script: Partial<Script>, why: string): Promise<number> {
  const call = new ResumedCall({ servers: [reset], ...script })
  const stream = await call.whole()
  const heard = hear(stream)
  assert.deepEqual([heard.errors, heard.isDone, heard.finishes], [1, false, []], why)
  assert.ok(stream.trimEnd().split('\n\n').at(-1)?.startsWith('data: {"error":'), why)
  assert.ok(call.context.error !== undefined, why)
  assert.equal(call.context.resumption?.count ?? 0, 0, why)
  assert.equal(call.verdicts[0], 'http://a:1 failure', why)
  assert.ok(call.usage.output > 0 && !call.usage.isExact, why)
  call.close()
  return call.puts.length
}

test('a stream is not resumed where its provider does not say so', async () => {
  assert.equal(await refused({ provider: { resume: false } }, 'false'), 1)
})

const members: Readonly<Record<string, unknown>> = {
  n: 2,
  tools: [{ type: 'function', function: { name: 'f' } }],
  tool_choice: 'required',
  response_format: { type: 'json_object' },
  structured_outputs: { regex: 'a' },
  guided_json: {},
  logprobs: true,
  top_logprobs: 2,
  echo: true,
  best_of: 2,
  seed: 7,
  presence_penalty: 0.5,
  frequency_penalty: 0.5,
  continue_final_message: true,
  add_generation_prompt: false,
  skip_special_tokens: false,
  reasoning_effort: 'low',
  chat_template: 'x',
  chat_template_kwargs: { enable_thinking: true },
  truncate_prompt_tokens: 4,
  stop: ['!', ' and so'],
  use_beam_search: true,
  nobody_knows: 1,
  min_tokens: 'many',
  messages: [
    { role: 'user', content: 'x' },
    { role: 'assistant', content: 'y' },
  ],
}

test('a stream is not resumed where its question asks for more than plain text', async () => {
  for (const [name, value] of Object.entries(members)) {
    // All that has been said by then ends with the beginning of that stop string.
    const says = name === 'stop' ? saying({ content: 'On' }, { content: ' and' }) : undefined
    const servers = says === undefined ? [reset] : [{ ...reset, says, breaks: endOf(says) }]
    assert.equal(await refused({ question: { [name]: value }, servers }, name), 1, name)
  }
})

function saying(...deltas: readonly object[]): string {
  return deltas
    .map((delta) => {
      const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
      return `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`
    })
    .join('')
}

function endOf(says: string) {
  return { atByte: Buffer.byteLength(says), as: 'upstream-reset' } as const
}

test('members with their neutral values, and a drawn seed of no draw, are no hindrance', async () => {
  const neutral = {
    n: 1,
    tools: [],
    tool_choice: 'none',
    response_format: { type: 'text' },
    logprobs: false,
    presence_penalty: 0,
    frequency_penalty: null,
    seed: 7,
    temperature: 0,
    stop: ['never', '\n\n\n'],
    min_tokens: 3,
    user: 'me',
  }
  const call = new ResumedCall({ servers: [reset], question: neutral })
  const heard = hear(await call.whole())
  assert.deepEqual([heard.isDone, heard.errors, call.puts.length], [true, 0, 2])
  assert.equal(call.puts[1]?.body['min_tokens'], 0)
  assert.deepEqual(call.puts[1]?.body['stop'], neutral.stop)
  call.close()
})

const deltas: Readonly<Record<string, readonly object[]>> = {
  'reasoning content': [{ reasoning_content: 'hm' }, { content: 'So' }],
  'reasoning of later servers': [{ content: 'So' }, { reasoning: 'hm' }],
  'thoughts in the text': [{ content: '<think>hm</thi' }, { content: 'nk>So' }],
  'a tool call': [{ content: 'So' }, { tool_calls: [{ index: 0, function: { name: 'f' } }] }],
  'a refusal': [{ refusal: 'No' }],
  'what is not known': [{ content: 'So', audio: { data: 'x' } }],
}

test('a stream is not resumed where it holds more than plain text', async () => {
  for (const [name, parts] of Object.entries(deltas)) {
    const says = saying(...parts)
    const servers = [{ says, breaks: endOf(says) }]
    assert.equal(await refused({ servers }, name), 1, name)
  }
})

test('a stream is not resumed beyond the text that is kept', async () => {
  const says = saying(...Array.from({ length: 10 }, () => ({ content: 'é'.repeat(60) })))
  const servers = [{ says, breaks: endOf(says) }]
  assert.equal(await refused({ servers, provider: { resume: { textMax: '1KiB' } } }, 'text'), 1)
})

test('a completion is resumed only where its prompt is one text with a bound', async () => {
  const dialect = 'completions'
  assert.equal(await refused({ dialect, question: { prompt: [1, 2] } }, 'ids'), 1)
  assert.equal(await refused({ dialect, question: { prompt: ['a'] } }, 'list'), 1)
  assert.equal(await refused({ dialect, question: { logprobs: 0 } }, 'logprobs'), 1)
  assert.equal(await refused({ dialect, question: { max_tokens: null } }, 'bound'), 1)
})

test('a stream is not resumed where no attempt is left, no budget and no other replica', async () => {
  assert.equal(await refused({ attemptsMax: 1 }, 'ceiling'), 1)
  const slow = { servers: [{ breaks: { atByte: midway, as: 'idle-timeout' } } as const] }
  assert.equal(await refused({ ...slow, budgetFloor: 0 }, 'budget'), 1)
  assert.equal(await refused({ hasOther: false }, 'replica'), 1)
})

/** As many as may be asked, and more. */
function nine(server: Server): Server[] {
  return Array.from({ length: 9 }, () => server)
}

test('a stream whose next replica refuses it ends as it broke', async () => {
  const away = new CallError('connect-failed', 'Cannot connect: refused')
  assert.ok((await refused({ servers: [reset, ...nine({ refuses: away })] }, 'away')) > 1)
  assert.equal(await refused({ servers: [reset, { status: 400 }] }, '400'), 2)
  const garbage = { says: 'data: x\n\n' }
  assert.ok((await refused({ servers: [reset, ...nine(garbage)] }, 'garbage')) > 1)
})

test('what a server says of the question itself is passed on', async () => {
  const says = `${saying({ content: 'So' })}data: {"error":{"message":"too long","code":400}}\n\n`
  const call = new ResumedCall({ servers: [{ says }] })
  const stream = await call.whole()
  assert.ok(stream.endsWith('data: {"error":{"message":"too long","code":400}}\n\n'))
  assert.equal(call.puts.length, 1)
  // As without the layer, which takes the running counts out alone.
  const plain = new ResumedCall({ servers: [{ says }], provider: { resume: false } })
  assert.equal(stream, await plain.whole())
  assert.deepEqual(call.verdicts, plain.verdicts)
  call.close()
  plain.close()
})

test('an aborted stream, a failed engine and a silent end are resumed', async () => {
  const start = saying({ role: 'assistant', content: '' }, { content: 'Ahoy: 7' })
  const abort =
    'data: {"id":"c","choices":[{"index":0,"delta":{"content":""},"finish_reason":"abort"}]}\n\ndata: [DONE]\n\n'
  const failed = 'data: {"error":{"message":"EngineCore died","code":500}}\n\n'
  for (const says of [start + abort, start + failed, start]) {
    const call = new ResumedCall({ servers: [{ says }] })
    const heard = hear(await call.whole())
    assert.deepEqual([heard.isDone, heard.errors, heard.ids.length], [true, 0, 1], says)
    assert.equal(call.puts[1]?.said, 'Ahoy: 7')
    assert.deepEqual(call.verdicts, ['http://a:1 failure', 'http://b:1 success'])
    call.close()
  }
})
