import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerTokens, tokenize } from '#deploy/simulator/tokens.ts'

function answer(prompt: string, tokens: number): string {
  const next = answerTokens(tokenize(prompt), 1)
  return Array.from({ length: tokens }, next).join('')
}

const question = '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n'

test('an answer that the prompt has begun goes on as it would have', () => {
  const whole = answer(question, 30)
  for (const said of [1, 7, 20]) {
    const begun = answer(question, said)
    assert.equal(begun + answer(question + begun, 30 - said), whole)
  }
})

test('an earlier turn of the assistant is part of the question', () => {
  const earlier = `${question}hi<|im_end|>\n<|im_start|>user\nagain<|im_end|>\n<|im_start|>assistant\n`
  assert.match(answer(earlier, 30), /^This is simulated text/)
})
