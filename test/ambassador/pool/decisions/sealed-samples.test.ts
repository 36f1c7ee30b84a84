import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DecisionLine } from '#ambassador/pool/decisions/decision-line.ts'
import {
  hashesIn,
  markText,
  prefixText,
  samplesOf,
} from '#ambassador/pool/decisions/prefix-samples.ts'
import { SampleSeal } from '#ambassador/pool/decisions/sealed-samples.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'
import { poolCall } from '../pool-call.ts'
import { contextOf, deciding } from './stage.ts'

const samplesOfKeys = (keys: readonly number[]) =>
  samplesOf(chainOf(Float64Array.from(keys)), [keys.length])

test('equal hashes have equal numbers under one seal, unlike ones unlike numbers, all of 48 bits', () => {
  const seal = new SampleSeal()
  const keys = fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 300 })
  fc.assert(
    fc.property(keys, (given) => {
      const plain = samplesOfKeys(given)
      const sealed = seal.of(plain)
      assert.deepEqual(seal.of(plain), sealed)
      assert.equal(new Set(sealed.hashes).size, new Set(plain.hashes).size)
      assert.deepEqual(hashesIn(prefixText(sealed)), sealed.hashes)
      assert.deepEqual(
        sealed.marks.map(([blocks]) => blocks),
        plain.marks.map(([blocks]) => blocks),
      )
    }),
  )
})

test('two seals have nothing in common, nor one with what it seals', () => {
  const plain = samplesOfKeys(Array.from({ length: 300 }, (_, at) => at))
  const all = [plain, new SampleSeal().of(plain), new SampleSeal().of(plain)].flatMap(
    ({ hashes, marks }) => [...hashes, ...marks.map(([, hash]) => hash)],
  )
  assert.equal(new Set(all).size, 3 * (plain.hashes.length + plain.marks.length))
})

test('a line tells of a prompt no hash that the process goes by, and the same of equal prompts', () => {
  const stage = deciding(1)
  const lines: DecisionLine[] = []
  stage.decisions.onLine = (line) => void lines.push(line)
  const keys = Array.from({ length: 40 }, (_, at) => at + 1)
  for (const id of ['one', 'other']) {
    const context = contextOf(stage)
    stage.submit(poolCall(id, keys))
    const binding = stage.bound.get(id) ?? assert.fail()
    const facts = { context, heldMs: 0, tier: 'full', blockTokens: 16 } as const
    stage.decisions.placed(binding, facts)
    stage.ledger.end(binding.entry)
    context.atEnd.forEach((action) => action())
  }
  const [one, other] = lines
  assert.ok(one && other)
  assert.deepEqual(one['prefix'], other['prefix'])
  const plain = samplesOfKeys(keys)
  assert.notDeepEqual(one['prefix'], prefixText(plain))
  assert.equal(String(one['prefix']).length, String(prefixText(plain)).length)
  assert.ok(plain.marks.every((mark) => !String(one['marks']).includes(markText(mark))))
})
