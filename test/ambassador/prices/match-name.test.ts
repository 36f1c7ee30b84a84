import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileMatch, dashDates } from '../../../ambassador/prices/match-name.ts'

test('names match by their whole, start, end, part or pattern, letters of either case', () => {
  assert.equal(compileMatch({ equals: 'GPT-5' })('gpt-5'), true)
  assert.equal(compileMatch({ equals: 'gpt-5' })('gpt-5-mini'), false)
  assert.equal(compileMatch({ starts_with: 'gpt' })('gpt-5-mini'), true)
  assert.equal(compileMatch({ ends_with: 'Mini' })('gpt-5-mini'), true)
  assert.equal(compileMatch({ contains: '-5-' })('gpt-5-mini'), true)
  assert.equal(compileMatch({ regex: '^gpt-\\d$' })('gpt-5-mini'), false)
})

test('alternatives need one, conditions need all', () => {
  const parts = [{ starts_with: 'gpt' }, { ends_with: 'mini' }]
  assert.equal(compileMatch({ or: parts })('o4-mini'), true)
  assert.equal(compileMatch({ and: parts })('o4-mini'), false)
  assert.equal(compileMatch({ and: parts })('gpt-5-mini'), true)
  assert.equal(compileMatch({ or: [] })('gpt-5'), false)
})

test('a date in a name is written with dashes, and what is no date is left', () => {
  assert.equal(dashDates('o3-20250416'), 'o3-2025-04-16')
  assert.equal(dashDates('m-20250101-20240229:free'), 'm-2025-01-01-2024-02-29:free')
  for (const name of ['o3-20250230', 'o3-20251316', 'o3-202504161', 'o3-2025-04-16', 'o3']) {
    assert.equal(dashDates(name), name)
  }
})
