import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compileTokenizer } from '#shared/tokens/hugging-face/compile.ts'
import { PairHash } from '#shared/tokens/hugging-face/pair-hash.ts'
import { placePairs } from '#shared/tokens/hugging-face/place-pairs.ts'
import { readTokenizer } from '#shared/tokens/hugging-face/read-tokenizer.ts'
import { isTable, viewTable } from '#shared/tokens/hugging-face/table.ts'
import { noRank } from '#shared/tokens/vocabulary/table.ts'
import { bytesOf, fileOf, shapes, sparse } from './files.ts'

const table = compileTokenizer(bytesOf(fileOf({ model: sparse })))

/** A copy with one byte changed. */
function changed(at: number, value: number): ArrayBuffer {
  const bytes = new Uint8Array(table.slice())
  bytes[at] = value
  return bytes.buffer
}

describe('a table', () => {
  test('is the same for the same file, and its arrays fill it to the end', () => {
    assert.deepEqual(compileTokenizer(bytesOf(fileOf({ model: sparse }))), table)
    const view = viewTable(table)
    assert.equal((view?.rules.byteOffset ?? 0) + (view?.rules.length ?? 0), table.byteLength)
  })

  test('that is cut anywhere, or longer, is refused', () => {
    const longer = new Uint8Array(table.byteLength + 1)
    longer.set(new Uint8Array(table))
    assert.equal(viewTable(longer.buffer), undefined)
    fc.assert(
      fc.property(fc.nat({ max: table.byteLength - 1 }), (length) => {
        assert.equal(viewTable(table.slice(0, length)), undefined)
      }),
    )
  })

  test('of another version or byte order is refused, and known to be a table', () => {
    const version = changed(0, 0xff)
    const swapped = new Uint8Array(table.slice())
    swapped.set(swapped.slice(0, 4).toReversed())
    for (const foreign of [version, swapped.buffer]) {
      assert.equal(viewTable(foreign), undefined)
      assert.equal(isTable(new Uint8Array(foreign)), true)
    }
  })

  test('whose header has other lengths is refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.integer(), (field, value) => {
        const other = table.slice()
        const header = new Int32Array(other, 0, 11)
        fc.pre(header[field] !== value)
        header[field] = value
        assert.equal(viewTable(other), undefined)
      }),
    )
  })

  test('is no JSON, and JSON is no table', () => {
    assert.equal(isTable(new Uint8Array(table)), true)
    for (const text of ['{"model"', '{\n "', '', '{']) {
      assert.equal(isTable(new TextEncoder().encode(text)), false)
    }
  })
})

test('a file whose content changes has another name', () => {
  const names = Object.values(shapes).map((file) => readTokenizer(bytesOf(file)).name)
  assert.equal(new Set(names).size, names.length)
})

test('pairs have their ranks, and no others have any', () => {
  const id = fc.nat({ max: 2 ** 22 - 2 })
  const pair = fc.tuple(id, id)
  const pairs = fc.uniqueArray(pair, { maxLength: 300, selector: ([one, two]) => `${one} ${two}` })
  fc.assert(
    fc.property(pairs, fc.array(pair), fc.nat({ max: 2 ** 20 - 400 }), (known, others, from) => {
      const hash = new PairHash(
        placePairs({
          count: known.length,
          lefts: Int32Array.from(known, ([left]) => left),
          rights: Int32Array.from(known, ([, right]) => right),
          ranks: Int32Array.from(known, (_, at) => from + at),
        }),
      )
      const ranks = new Map(known.map(([left, right], at) => [`${left} ${right}`, from + at]))
      for (const [left, right] of [...known, ...others]) {
        assert.equal(hash.find(left, right), ranks.get(`${left} ${right}`) ?? noRank)
      }
    }),
    { numRuns: 200 },
  )
})
