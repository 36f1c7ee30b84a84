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

function gathered(dialect: Dialect, events: readonly object[], cuts: readonly number[] = []) {
  const stream = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  const bytes = Buffer.from(`${stream}data: [DONE]\n\n`)
  const answer = new AnswerText(dialect)
  let from = 0
  for (const cut of [...cuts.toSorted((one, other) => one - other), bytes.length]) {
    const to = Math.min(bytes.length, Math.max(from, cut))
    answer.take(bytes.subarray(from, to))
    from = to
  }
  return answer.text
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
})
