import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AnswerText } from '#ambassador/pool/placing/answer-text.ts'
import { WholeText } from '#ambassador/pool/placing/whole-text.ts'

type Dialect = ConstructorParameters<typeof AnswerText>[0]

function eventOf(dialect: Dialect, text: string): object {
  if (dialect === 'messages') {
    return { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }
  }
  const rest = { logprobs: null, finish_reason: null }
  const choice = dialect === 'chat' ? { delta: { content: text } } : { text }
  return { id: 'x', choices: [{ index: 0, ...choice, ...rest }] }
}

/** What is made of a stream that comes in pieces, cut at `cuts`. */
function heard(dialect: Dialect, stream: string, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(stream)
  const answer = new AnswerText(dialect)
  let from = 0
  for (const cut of [...cuts.toSorted((one, other) => one - other), bytes.length]) {
    const to = Math.min(bytes.length, Math.max(from, cut))
    answer.take(bytes.subarray(from, to))
    from = to
  }
  return answer.text
}

function gathered(dialect: Dialect, events: readonly object[], cuts: readonly number[] = []) {
  const stream = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  return heard(dialect, `${stream}data: [DONE]\n\n`, cuts)
}

for (const dialect of ['chat', 'completions', 'messages'] as const) {
  test(`${dialect}: the text is that of all events, however they are cut`, () => {
    const cuts = fc.array(fc.nat(4_000), { maxLength: 8 })
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), cuts, (texts, at) => {
        const events = texts.map((text) => eventOf(dialect, text))
        assert.equal(gathered(dialect, events, at), texts.join(''))
      }),
    )
  })
}

/** A stream of Responses, as vLLM writes it: the name of an event stands before its data. */
function named(type: string, more: object): string {
  const data = JSON.stringify({ ...more, sequence_number: 1, type: `response.${type}` })
  return `event: response.${type}\ndata: ${data}\n\n`
}

const place = { content_index: 0, item_id: 'msg_1', output_index: 0 }
const delta = (text: string) =>
  named('output_text.delta', { content_index: 0, delta: text, item_id: 'msg_1', logprobs: [] })

const asked = { instructions: 'event: response.output_text.delta\n"delta":"no"' }
const opening =
  named('created', { response: asked }) +
  named('output_item.added', { item: { type: 'message', content: [] } }) +
  named('content_part.added', { ...place, part: { type: 'output_text', text: '' } })

test('responses: the text is that of its pieces alone, however they are cut', () => {
  const cuts = fc.array(fc.nat(4_000), { maxLength: 8 })
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), cuts, (texts, at) => {
      const text = texts.join('')
      const part = { type: 'output_text', text }
      const ending =
        named('output_text.done', { ...place, text }) +
        named('content_part.done', { ...place, part }) +
        named('completed', { response: { output: [{ content: [part] }] } })
      assert.equal(heard('responses', opening + texts.map(delta).join('') + ending, at), text)
    }),
  )
})

test('responses: of thoughts and behind calls nothing is told', () => {
  const thought = named('reasoning_text.delta', { delta: 'hm' })
  const call = named('function_call_arguments.delta', { delta: '{}' })
  assert.equal(heard('responses', opening + thought + delta('so')), '')
  assert.equal(heard('responses', opening + call + delta('so')), '')
  assert.equal(heard('responses', opening + delta('so ') + call + delta('more')), 'so ')
  // A second message is one of its own.
  const done = named('output_text.done', { text: 'so ' })
  assert.equal(heard('responses', opening + delta('so ') + done + delta('more')), 'so ')
})

test('keys inside a text are text', () => {
  const text = '"content":"no" "tool_calls":[{ "reasoning":"no" \\'
  assert.equal(gathered('chat', [eventOf('chat', text)]), text)
})

test('what stands before a call of a tool counts, and nothing behind it', () => {
  const call = { choices: [{ delta: { tool_calls: [{ function: { name: 'f' } }] } }] }
  const events = [eventOf('chat', 'so '), call, eventOf('chat', 'more')]
  assert.equal(gathered('chat', events), 'so ')
})

test('of an answer that began with thoughts nothing is told: the next turn has none of them', () => {
  const thought = { choices: [{ delta: { reasoning_content: 'hm' } }] }
  const empty = { choices: [{ delta: { content: 'a', reasoning: '' } }] }
  assert.equal(gathered('chat', [thought, eventOf('chat', 'a')]), '')
  assert.equal(gathered('chat', [empty, eventOf('chat', 'b')]), 'ab')
})

test('a text longer than is gathered is none', () => {
  const events = Array.from({ length: 300 }, () => eventOf('chat', 'x'.repeat(1_024)))
  assert.equal(gathered('chat', events.slice(0, 200)).length, 200 * 1_024)
  assert.equal(gathered('chat', events), '')
})

test('a whole answer tells its text, in pieces or not, where it is one choice without thoughts', () => {
  const textOf = (dialect: Dialect, answer: unknown) => {
    const text = new WholeText(dialect)
    const bytes = Buffer.from(JSON.stringify(answer))
    text.take(bytes.subarray(0, 9))
    text.take(bytes.subarray(9))
    return text.text
  }
  const message = { role: 'assistant', content: 'é"\n' }
  assert.equal(textOf('chat', { choices: [{ message }] }), 'é"\n')
  assert.equal(textOf('chat', { choices: [{ message }, { message }] }), '')
  assert.equal(textOf('chat', { choices: [{ message: { ...message, reasoning: 'hm' } }] }), '')
  assert.equal(textOf('completions', { choices: [{ text: 'so' }] }), 'so')
  assert.equal(textOf('messages', { content: [{ type: 'text', text: 'so' }] }), 'so')
  assert.equal(textOf('messages', { content: [{ type: 'thinking' }] }), '')
  assert.equal(textOf('chat', 'x'), '')
  const part = { type: 'output_text', text: 'so', annotations: [] }
  const item = { type: 'message', role: 'assistant', content: [part] }
  assert.equal(textOf('responses', { output: [item] }), 'so')
  assert.equal(textOf('responses', { output: [item, { type: 'function_call' }] }), 'so')
  assert.equal(textOf('responses', { output: [{ type: 'reasoning' }, item] }), '')
  assert.equal(textOf('responses', { output: [{ ...item, content: [part, part] }] }), '')
  assert.equal(textOf('responses', { output: [] }), '')
})
