import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inWrittenWords } from '#ambassador/stored/sealed-answer.ts'

test('a refusal has the ids as the caller wrote them, and no word that only begins like one', () => {
  const written = new Map([
    ['rs_1', 'rs_1.p~t.rs_12'],
    ['rs_12', 'rs_12.p~t.x'],
  ])
  const text = `{"message":"Item 'rs_12' of rs_1. Not rs_123, nor x-rs_1."}`
  assert.equal(
    inWrittenWords(text, written),
    `{"message":"Item 'rs_12.p~t.x' of rs_1.p~t.rs_12. Not rs_123, nor x-rs_1."}`,
  )
})
