import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FoundShares } from '#ambassador/pool/decisions/found-shares.ts'
import { waitingView } from '#ambassador/pool/decisions/waiting-view.ts'

test('calls that wait are told by class and tenant, the tenants with the most first', () => {
  const one = (tenant: string, name: string, tokens: number) => ({
    tenant,
    class: name,
    tokens,
    bytes: 10,
  })
  const view = waitingView([
    one('b', 'batch', 5),
    one('a', 'interactive', 1),
    one('a', 'batch', 2),
    ...Array.from({ length: 40 }, (_, at) => one(`tenant ${at}`, 'batch', 1)),
  ])
  assert.deepEqual(view.byClass, { batch: 42, interactive: 1 })
  assert.deepEqual(view.byTenant[0], { tenant: 'a', calls: 2, tokens: 3 })
  assert.equal(view.byTenant.length, 32)
  assert.deepEqual([view.calls, view.tokens, view.bytes], [43, 48, 430])
})

test('a replica is trusted as far as it found what it was thought to have', () => {
  const shares = new FoundShares()
  assert.equal(shares.of('a'), undefined)
  shares.add('a', 0, 100)
  assert.equal(shares.of('a'), undefined)
  shares.add('a', 100, 200)
  assert.equal(shares.of('a'), 1)
  for (let answer = 0; answer < 500; answer++) shares.add('a', 100, 50)
  assert.ok(Math.abs((shares.of('a') ?? 0) - 0.5) < 0.01)
})
