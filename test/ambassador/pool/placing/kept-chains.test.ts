import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptChains } from '../../../../ambassador/pool/placing/kept-chains.ts'
import { exactIds } from '../../../../ambassador/pool/tokens/prompt-ids.ts'

test('a prompt is hashed once for a block size, however often it is submitted', () => {
  const chains = new KeptChains([1, 2])
  const ids = exactIds(Uint32Array.from({ length: 64 }, (_, at) => at))
  const prompt = { ids, model: 'm', salt: '', tokens: 64 }
  const chain = chains.of(prompt, 16)
  assert.equal(chain.length, 4)
  assert.equal(chains.of(prompt, 16), chain)
  assert.notEqual(chains.of({ ...prompt }, 16), chain)
  assert.equal(chains.of(prompt, 32).length, 2)
})
