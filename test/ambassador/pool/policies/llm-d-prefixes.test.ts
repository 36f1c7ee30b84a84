import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LlmDPrefixes } from '../../../../ambassador/pool/policies/llm-d-prefixes.ts'
import type { Candidate } from '../../../../ambassador/pool/policies/policy.ts'
import { callOf, candidatesOf } from './pool-doubles.ts'

function prefixesOf(blockTokens: number, matchedTokensMax = 131_072, engineBlockTokens?: number) {
  return new LlmDPrefixes({ blockTokens, matchedTokensMax, engineBlockTokens })
}

function replica(kvTokens?: number): Candidate {
  const [only] = candidatesOf({ kvTokens, blockTokens: 16 })
  assert.ok(only !== undefined)
  return only
}

const letters = Array.from({ length: 40_000 }, (_, at) => String.fromCharCode(at + 256)).join('')

test('four blocks of 16 tokens make an entry, and an unfinished four make none', () => {
  const prefixes = prefixesOf(16)
  const sent = callOf('aaaabbbbccc', { blockTokens: 16 })
  prefixes.record(sent, replica())
  assert.equal(prefixes.size(0), 2)
  prefixes.look(sent)
  // 11 blocks of 16 are 176 tokens, three entries of which the last is partial.
  assert.equal(prefixes.share(sent, 0), 2 / 3)
  assert.equal(prefixes.cachedTokens(sent, 0), 128)
})

test('a block of 512 tokens stands for eight entries of 64', () => {
  const prefixes = prefixesOf(512)
  prefixes.record(callOf('ab', { blockTokens: 512 }), replica())
  // 1,500 tokens are 24 entries (23.4 rounded up), of which the two blocks hold 16.
  const call = callOf('ab', { tokens: 1_500 })
  prefixes.look(call)
  assert.equal(prefixes.share(call, 0), 16 / 24)
  assert.equal(prefixes.cachedTokens(call, 0), 1_024)
})

test('the index holds four times the tokens of a KV cache with blocks of 16, whatever the chain’s', () => {
  for (const blockTokens of [16, 32, 64, 128, 512]) {
    const prefixes = prefixesOf(blockTokens)
    const blocks = 16_384 / blockTokens
    for (let at = 0; at < 8; at++) {
      const word = letters.slice(at * blocks, (at + 1) * blocks)
      prefixes.record(callOf(word, { blockTokens }), replica(8_192))
    }
    // 8,192 tokens are 512 KV blocks, so 512 entries of 64 tokens: 32,768.
    assert.equal(prefixes.size(0) * Math.max(64, blockTokens), 32_768)
  }
})

test('a replica that does not say its capacity has 31,250 entries', () => {
  const prefixes = prefixesOf(64)
  for (let at = 0; at < 20; at++) {
    prefixes.record(callOf(letters.slice(at * 2_000, (at + 1) * 2_000)), replica())
  }
  assert.equal(prefixes.size(0), 31_250)
})

test('KV blocks of more than 64 tokens are entries', () => {
  const prefixes = prefixesOf(128, 131_072, 128)
  for (let at = 0; at < 4; at++) {
    prefixes.record(callOf(letters.slice(at * 32, (at + 1) * 32)), replica(8_192))
  }
  assert.equal(prefixes.size(0), 64)
})

test('no more than the first 131,072 tokens are looked at', () => {
  const prefixes = prefixesOf(64)
  const long = callOf(letters.slice(0, 3_000))
  prefixes.record(long, replica())
  assert.equal(prefixes.size(0), 2_048)
  prefixes.look(long)
  assert.equal(prefixes.share(long, 0), 1)
  assert.equal(prefixes.cachedTokens(long, 0), 131_072)
})

test('a prompt without a full block has no share anywhere', () => {
  const prefixes = prefixesOf(64)
  const short = callOf('', { tokens: 40 })
  prefixes.record(short, replica())
  prefixes.look(short)
  assert.equal(prefixes.share(short, 0), 0)
  assert.equal(prefixes.share(callOf('', { tokens: 0 }), 0), 0)
})

test('a share is from 0 to 1 for prompts of any length', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(16, 24, 48, 100, 512),
      fc.array(fc.tuple(fc.stringMatching(/^[ab]{0,20}$/), fc.nat(99)), { maxLength: 20 }),
      (blockTokens, prompts) => {
        const prefixes = prefixesOf(blockTokens, 1_024)
        for (const [word, rest] of prompts) {
          const call = callOf(word, { tokens: word.length * blockTokens + rest })
          prefixes.look(call)
          const share = prefixes.share(call, 0)
          assert.ok(share >= 0 && share <= 1)
          assert.ok(prefixes.cachedTokens(call, 0) <= call.tokens)
          prefixes.record(call, replica(4_096))
        }
      },
    ),
  )
})
