import assert from 'node:assert/strict'
import fc from 'fast-check'
import { loadEncoding } from '#shared/tokens/encoding.ts'
import { encodingNames } from '#shared/tokens/vocabulary/table.ts'
import { oracle } from '../shared/tokens/gpt-tokenizer.ts'
import { allTexts, isUndisputed, texts } from '../shared/tokens/texts.ts'
import { installed, isKnown, tiktoken } from '../shared/tokens/tiktoken.ts'

/** Texts that the strings are cut from: fast-check makes them too slowly for a million. */
const sampleSize = 20_000
/** gpt-tokenizer's memory of words doubles its time once it is full. */
const forgetEvery = 500
/** Of the strings that gpt-tokenizer is asked for, one in this many is tiktoken asked for as well. */
const bothEvery = 4

/** Numbers below `count` (mulberry32). */
function draws(from: number): (count: number) => number {
  let state = from
  return (count) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count
  }
}

/** Random strings of about 30 characters, without end. */
function strings(seed: number, special: readonly string[]): () => string {
  const sample = [
    ...fc.sample(texts, { numRuns: sampleSize * 0.9, seed }),
    ...fc.sample(allTexts, { numRuns: sampleSize * 0.09, seed }),
    ...Array.from({ length: sampleSize * 0.01 }, (_, at) => special[at % special.length] ?? ''),
  ]
  const draw = draws(seed)
  const part = () => {
    const text = sample[draw(sampleSize)] ?? ''
    // A special token is whole or no special token.
    if (text.startsWith('<|')) return text
    const from = draw(text.length + 1)
    return text.slice(from, from + draw(20))
  }
  return () => part() + part() + part()
}

function assertSame(found: Uint32Array, wanted: ArrayLike<number>, text: string): void {
  let isSame = found.length === wanted.length
  for (let at = 0; isSame && at < found.length; at++) isSame = found[at] === wanted[at]
  if (!isSame) assert.deepEqual([...found], Array.from(wanted), JSON.stringify(text))
}

/** Arguments: encoding, number of strings, seed. Ends with an error at the first that differs. */
if (import.meta.main) {
  const [, , wantedName, count, seed] = process.argv
  const name = encodingNames.find((known) => known === wantedName) ?? 'o200k_base'
  const encoding = await loadEncoding(name)
  const gpt = await oracle(name)
  const openai = tiktoken(name)
  const next = strings(Number(seed), Object.keys(installed(name).special_tokens))
  for (let trial = 0; trial < Number(count); trial++) {
    const text = next()
    const found = encoding.encode(text)
    if (trial % forgetEvery === 0) gpt.clear()
    const isForBoth = trial % bothEvery === 0
    const isForGpt = isUndisputed(text)
    if (isForGpt) assertSame(found, gpt.encode(text), text)
    if ((isForBoth || !isForGpt) && isKnown(text)) assertSame(found, openai(text), text)
    assert.equal(encoding.count(text), found.length)
  }
}
