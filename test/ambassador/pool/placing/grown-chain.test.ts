import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chainOf } from '#ambassador/pool/placing/prompt-of.ts'
import type { Chain } from '#ambassador/pool/prefix/chain.ts'
import { answerWords, byteIds } from '#ambassador/pool/tokens/canonical.ts'
import { readPrompt } from '#ambassador/pool/tokens/prompt-facts.ts'
import { exactIds, type PromptIds } from '#ambassador/pool/tokens/prompt-ids.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'

function idsOf(body: object, dialect: Dialect): PromptIds {
  const facts = readPrompt(dialect, Buffer.from(JSON.stringify(body)))
  assert.ok(facts !== undefined)
  return byteIds(facts)
}

function chained(ids: PromptIds) {
  return chainOf({ ids, model: 'm', salt: '', tokens: ids.ids.length }, 4, [1, 2])
}

/** Blocks that both begin with. */
function common(one: Chain, other: Chain): number {
  let at = 0
  while (at < Math.min(one.length, other.length) && one.low[at] === other.low[at]) at++
  return at
}

const text = fc.string({ unit: 'grapheme', maxLength: 200 })
const user = (content: string) => ({ role: 'user', content })

for (const dialect of ['chat', 'messages'] as const) {
  test(`${dialect}: the next turn has all full blocks of prompt and answer`, () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), text, (turns, answer) => {
        const messages = turns.map(user)
        const first = idsOf({ messages }, dialect)
        const grown = chained(first).grownBy(answerWords(first, answer))
        const next = [...messages, { role: 'assistant', content: answer }, user('go on')]
        const second = chained(idsOf({ messages: next }, dialect))
        assert.equal(common(grown, second), grown.length)
        const bytes = first.bytes + Buffer.byteLength(`\x01assistant\x02${answer}`)
        assert.equal(grown.length, Math.floor(Math.floor(bytes / 4) / 4))
      }),
    )
  })
}

test('an answer to a text stands right behind it, and so does one that goes on', () => {
  const first = idsOf({ prompt: 'Once upon a time there was' }, 'completions')
  const grown = chained(first).grownBy(answerWords(first, ' a king who had a cat'))
  const next = idsOf(
    { prompt: 'Once upon a time there was a king who had a cat that' },
    'completions',
  )
  assert.equal(common(grown, chained(next)), grown.length)
  const begun = { role: 'assistant', content: 'Once upon a time' }
  const more = { messages: [user('a tale'), begun], continue_final_message: true }
  const cut = idsOf({ ...more, add_generation_prompt: false }, 'chat')
  const whole = idsOf(
    { messages: [user('a tale'), { ...begun, content: `${begun.content} a cat` }] },
    'chat',
  )
  const went = chained(cut).grownBy(answerWords(cut, ' a cat'))
  assert.equal(common(went, chained(whole)), went.length)
})

test('the chain of the prompt stays as it is when its answer is added', () => {
  const ids = exactIds(Uint32Array.from({ length: 400 }, (_, at) => at))
  const chain = chained(ids)
  const before = [...chain.low.subarray(0, chain.length)]
  const grown = chain.grownBy(Uint32Array.from({ length: 400 }, (_, at) => at))
  assert.deepEqual([chain.length, grown.length], [100, 200])
  assert.deepEqual([...chain.low.subarray(0, chain.length)], before)
})
