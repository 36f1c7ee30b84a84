import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAttempts, readAttempts } from '../../../ambassador/retry/attempt-ceiling.ts'

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 49 }), (ceiling, at) => {
      const made = Math.min(at, ceiling - 1)
      assert.deepEqual(readAttempts(formatAttempts({ made, ceiling }), 50), { made, ceiling })
    }),
  )
})

test('a ceiling is not believed beyond the configured one', () => {
  assert.deepEqual(readAttempts('2/9999', 5), { made: 2, ceiling: 5 })
  assert.deepEqual(readAttempts('9/3', 5), { made: 2, ceiling: 3 })
  assert.deepEqual(readAttempts('0/0', 5), { made: 0, ceiling: 1 })
})

test('anything else is a call that nobody has tried yet', () => {
  fc.assert(
    fc.property(fc.option(fc.string(), { nil: undefined }), (text) => {
      const { made, ceiling } = readAttempts(text, 5)
      assert.ok(made >= 0 && made < ceiling && ceiling <= 5)
    }),
  )
  for (const text of [undefined, '', '1', '-1/5', '1/', '1 / 5', '1/5,2/5', '00001/5']) {
    assert.deepEqual(readAttempts(text, 5), { made: 0, ceiling: 5 })
  }
})
