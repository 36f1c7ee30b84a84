import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Chain } from '#ambassador/pool/prefix/chain.ts'
import { ByteChainBuilder, ChainBuilder, type ChainOptions } from '#ambassador/pool/prefix/hash.ts'

const options: ChainOptions = { blockTokens: 4, seed: [11, 12] }

function hashes(chain: Chain): string[] {
  return Array.from({ length: chain.length }, (_, at) => `${chain.low[at]}:${chain.high[at]}`)
}

function hashesOf(tokens: readonly number[], more: Partial<ChainOptions> = {}): string[] {
  const builder = new ChainBuilder({ ...options, ...more })
  builder.push(tokens)
  return hashes(builder.chain())
}

const tokens = fc.array(fc.nat(200_000), { maxLength: 600 })

test('a prompt hashes the same however it is cut', () => {
  fc.assert(
    fc.property(tokens, fc.array(fc.nat(600), { maxLength: 5 }), (prompt, cuts) => {
      const builder = new ChainBuilder(options)
      let from = 0
      for (const cut of [...cuts.toSorted((a, b) => a - b), prompt.length]) {
        builder.push(Uint32Array.from(prompt.slice(from, cut)))
        from = Math.max(from, Math.min(cut, prompt.length))
      }
      assert.equal(builder.tokens, prompt.length)
      assert.deepEqual(hashes(builder.chain()), hashesOf(prompt))
    }),
  )
})

test('only full blocks are hashed', () => {
  const lengths = [0, 3, 4, 7, 8].map((length) => hashesOf(Array(length).fill(1)).length)
  assert.deepEqual(lengths, [0, 0, 1, 1, 2])
})

test('prompts are equal up to the block where they differ and never after it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(9), { minLength: 1, maxLength: 100 }),
      fc.nat(),
      (prompt, where) => {
        const at = where % prompt.length
        const other = prompt.with(at, 10)
        const [one, two] = [hashesOf(prompt), hashesOf(other)]
        const same = one.map((hash, index) => hash === two[index])
        assert.deepEqual(
          same,
          one.map((_, index) => index < Math.floor(at / 4)),
        )
      },
    ),
  )
})

test('a chain stays as it is while its builder goes on', () => {
  const builder = new ChainBuilder(options)
  builder.push([1, 2, 3, 4])
  const chain = builder.chain()
  const before = hashes(chain)
  for (let token = 0; token < 2_000; token += 1) builder.push([token])
  assert.deepEqual(hashes(chain), before)
})

test('a fork and its origin go on apart', () => {
  const builder = new ChainBuilder(options)
  builder.push([1, 2, 3, 4, 5])
  const fork = builder.fork()
  builder.push([6, 7, 8])
  fork.push([9, 9, 9, 9])
  assert.deepEqual(hashes(builder.chain()), hashesOf([1, 2, 3, 4, 5, 6, 7, 8]))
  assert.deepEqual(hashes(fork.chain()), hashesOf([1, 2, 3, 4, 5, 9, 9, 9, 9]))
})

test('seed, adapter and salt make every hash another', () => {
  const prompt = [1, 2, 3, 4, 5, 6, 7, 8]
  const all = [
    hashesOf(prompt),
    hashesOf(prompt, { seed: [11, 13] }),
    hashesOf(prompt, { seed: [10, 12] }),
    hashesOf(prompt, { adapter: 'a' }),
    hashesOf(prompt, { salt: 'a' }),
    hashesOf(prompt, { adapter: 'a', salt: 'b' }),
    hashesOf(prompt, { adapter: 'ab' }),
  ].flat()
  assert.equal(new Set(all).size, 14)
})

test('an image changes the hashes from its own block on, by what it is and where it starts', () => {
  const withImage = (identifier: string, at: number) => {
    const builder = new ChainBuilder(options)
    const prompt = Array.from({ length: 16 }, () => 1)
    builder.push(prompt.slice(0, at))
    builder.multimodal(identifier)
    builder.push(prompt.slice(at))
    return hashes(builder.chain())
  }
  const plain = hashesOf(Array(16).fill(1))
  const image = withImage('cat', 6)
  assert.deepEqual(
    image.map((hash, at) => hash === plain[at]),
    [true, false, false, false],
  )
  assert.notEqual(withImage('dog', 6)[1], image[1])
  assert.notEqual(withImage('cat', 5)[1], image[1])
  assert.deepEqual(withImage('cat', 4).slice(0, 1), plain.slice(0, 1))
})

test('every bit of a token changes half the bits of the hash', () => {
  for (let bit = 0; bit < 32; bit += 1) {
    let changed = 0
    for (let sample = 0; sample < 200; sample += 1) {
      const prompt = [sample, sample * 7, sample * 31, 5]
      const one = new ChainBuilder(options)
      const two = new ChainBuilder(options)
      one.push(prompt)
      two.push(prompt.with(sample % 4, (prompt[sample % 4]! ^ (1 << bit)) >>> 0))
      const [a, b] = [one.chain(), two.chain()]
      changed += ones(a.low[0]! ^ b.low[0]!) + ones(a.high[0]! ^ b.high[0]!)
    }
    assert(Math.abs(changed / 200 - 32) < 2, `bit ${bit}: ${changed / 200} of 64`)
  }
})

test('a hundred thousand similar prompts have as many hashes', () => {
  const halves = [new Set<number>(), new Set<number>()]
  const all = new Set<string>()
  for (let token = 0; token < 100_000; token += 1) {
    const builder = new ChainBuilder({ blockTokens: 1, seed: [0, 0] })
    builder.push([token])
    const { low, high } = builder.chain()
    all.add(`${low[0]}:${high[0]}`)
    halves[0]?.add(low[0]!)
    halves[1]?.add(high[0]!)
  }
  assert.equal(all.size, 100_000)
  // Of 100,000 random words of 32 bits one or two pairs are alike.
  assert(halves.every((half) => half.size > 99_980))
})

test('bytes hash the same however they are cut', () => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 6 }), (parts) => {
      const cut = new ByteChainBuilder({ blockBytes: 8, seed: [1, 2] })
      const whole = new ByteChainBuilder({ blockBytes: 8, seed: [1, 2] })
      for (const part of parts) cut.push(part)
      const all = Buffer.concat(parts)
      whole.push(all)
      assert.equal(whole.chain().length, Math.floor(all.length / 8))
      assert.deepEqual(hashes(cut.chain()), hashes(whole.chain()))
    }),
  )
})

function ones(word: number): number {
  let count = 0
  for (let left = word >>> 0; left !== 0; left = (left & (left - 1)) >>> 0) count += 1
  return count
}
