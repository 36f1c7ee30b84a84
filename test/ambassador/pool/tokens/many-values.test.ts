import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasManyValues, weighsOver } from '#ambassador/pool/tokens/many-values.ts'
import { readPrompt } from '#ambassador/pool/tokens/prompt-facts.ts'

const mebibyte = 1024 * 1024

function chat(messages: string, more = ''): Buffer {
  return Buffer.from(`{"model":"tiny","messages":[${messages}]${more}}`)
}

const message = '{"role":"user","content":"a"}'

test('a question of very many small values is not read', () => {
  const many: Record<string, Buffer> = {
    messages: chat(`${'{},'.repeat(300_000)}{}`),
    tools: chat(message, `,"tools":[${'[],'.repeat(300_000)}1]`),
    keys: chat(message, Array.from({ length: 60_000 }, (_, at) => `,"k${at}":1`).join('')),
    'lists in lists': chat(message, `,"deep":${'['.repeat(300_000)}${']'.repeat(300_000)}`),
    texts: chat(message, `,"stop":["a"${',"a"'.repeat(300_000)}]`),
    'white space': chat(message, ' '.repeat(9 * mebibyte)),
  }
  for (const [name, body] of Object.entries(many)) {
    assert.equal(hasManyValues(body), true, name)
    assert.equal(readPrompt('chat', body), undefined, name)
  }
})

test('the longest of conversations, tools, pictures and ids are read', () => {
  const turn = JSON.stringify({ role: 'user', content: 'He said "no, {not} [me]".\n'.repeat(400) })
  const tool = JSON.stringify({
    type: 'function',
    function: { name: 'f', parameters: { properties: { a: { type: 'string' } } } },
  })
  const questions: Record<string, Buffer> = {
    'two thousand turns': chat(Array.from({ length: 2_000 }, () => turn).join()),
    'a thousand tools': chat(
      message,
      `,"tools":[${Array.from({ length: 1_000 }, () => tool).join()}]`,
    ),
    'a picture of 20 MiB': chat(`{"role":"user","content":"${'A'.repeat(20 * mebibyte)}"}`),
  }
  for (const [name, body] of Object.entries(questions)) {
    assert.ok(readPrompt('chat', body) !== undefined, name)
  }
  const ids = Array.from({ length: 1_000_000 }, (_, at) => 100_000 + (at % 50_000))
  const { kind } = readPrompt('completions', Buffer.from(JSON.stringify({ prompt: ids }))) ?? {}
  assert.equal(kind, 'ids')
})

/** As it is counted: 200 for each text, list and object, and the bytes outside of texts. */
function weightOf(value: unknown): number {
  if (typeof value === 'string') return 201
  if (typeof value !== 'object' || value === null) return JSON.stringify(value).length
  const isList = Array.isArray(value)
  const members = isList ? value.map((one) => ['', one]) : Object.entries(value)
  const inner = members.reduce((sum, [, one]) => sum + weightOf(one) + (isList ? 0 : 202), 0)
  return 202 + inner + Math.max(0, members.length - 1)
}

test('what stands in texts counts for nothing, quotes and backslashes included', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[\\"[{,]{0,12}$/))
  const json = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, text, fc.integer(), tie('list'), tie('object')),
    list: fc.array(tie('value'), { maxLength: 5 }),
    object: fc.dictionary(text, tie('value'), { maxKeys: 5 }),
  })).value
  fc.assert(
    fc.property(json, (value) => {
      const body = Buffer.from(JSON.stringify(value))
      const weight = weightOf(value)
      assert.deepEqual([weighsOver(body, weight), weighsOver(body, weight - 1)], [false, true])
    }),
  )
})
