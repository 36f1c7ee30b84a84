import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseQuantity, respell } from '#deploy/inject/quantity.ts'

test('quantities are read as Kubernetes writes them', () => {
  const cases: readonly [unknown, number | undefined][] = [
    ['50m', 0.05],
    ['0.5', 0.5],
    ['.5', 0.5],
    ['2', 2],
    ['96Mi', 96 * 2 ** 20],
    ['1Gi', 2 ** 30],
    ['1e3', 1_000],
    ['1E', 1e18],
    ['100M', 1e8],
    [3, 3],
    ['-1', undefined],
    ['', undefined],
    ['Mi', undefined],
    ['1 Gi', undefined],
    ['128MB', undefined],
    [null, undefined],
  ]
  for (const [text, value] of cases) assert.equal(parseQuantity(text), value, String(text))
})

test('sizes with other systems’ units are respelt', () => {
  assert.equal(respell('128MB'), '128Mi')
  assert.equal(respell('128 mib'), '128Mi')
  assert.equal(respell('1g'), '1Gi')
  assert.equal(respell('lots'), undefined)
})
