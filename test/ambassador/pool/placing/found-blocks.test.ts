import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foundBlocks } from '../../../../ambassador/pool/placing/found-blocks.ts'
import type { Prompt } from '../../../../ambassador/pool/placing/prompt-of.ts'

function prompt(kind: 'exact' | 'bytes', tokens: number): Prompt {
  const ids = { kind, ids: new Uint32Array(tokens), media: [], bytes: 4 * tokens, beforeAnswer: '' }
  return { ids, model: 'm', salt: '', tokens }
}

test('a prompt that was cached whole is found whole, although its last block is computed', () => {
  const reported = { prompt: prompt('exact', 64), cachedTokens: 48, promptTokens: 64 }
  assert.equal(foundBlocks(reported, 16), 4)
})

test('of exact tokens a shortfall of more than a block is seen', () => {
  const reported = { prompt: prompt('exact', 640), cachedTokens: 320, promptTokens: 640 }
  assert.equal(foundBlocks(reported, 16), 21)
})

test('of bytes the same part counts, and a tenth of the prompt is forgiven', () => {
  const half = { prompt: prompt('bytes', 1_600), cachedTokens: 400, promptTokens: 800 }
  assert.equal(foundBlocks(half, 16), 61)
  assert.equal(foundBlocks({ ...half, cachedTokens: 0 }, 16), 1)
})
