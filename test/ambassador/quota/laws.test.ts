import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { Heap } from '../../../ambassador/quota/heap.ts'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import { Quota } from '../../../ambassador/quota/quota.ts'
import { chance, virtualClock } from './virtual-clock.ts'
import { placesAtATime, shapeOf, tokensByMinute, want } from './wants.ts'

test('a heap gives the least first, whatever was moved and removed before', () => {
  const keys = fc.array(fc.nat(1_000), { maxLength: 60 })
  fc.assert(
    fc.property(keys, keys, (first, second) => {
      const heap = new Heap<{ heapAt: number; key: number }>(({ key }) => key)
      const items = first.map((key) => ({ heapAt: -1, key }))
      for (const item of items) heap.add(item)
      for (const [at, key] of second.entries()) {
        const item = items[key % Math.max(1, items.length)]
        if (item === undefined) continue
        if (at % 3 === 0) heap.remove(item)
        else if (item.heapAt < 0) heap.add(item)
        else {
          item.key = key
          heap.move(item)
        }
      }
      const left = items.filter(({ heapAt }) => heapAt >= 0).map(({ key }) => key)
      const order: number[] = []
      for (let item = heap.peek(); item !== undefined; item = heap.peek()) {
        heap.remove(item)
        order.push(item.key)
      }
      assert.deepEqual(
        order,
        left.toSorted((one, other) => one - other),
      )
    }),
  )
})

const endings = ['settle', 'release', 'refuse', 'leave'] as const

/** Calls that come, wait, are refused, are left and end by chance. */
async function storm(seed: number): Promise<void> {
  const clock = virtualClock(seed)
  const random = chance(seed + 1)
  const shape = shapeOf(tokensByMinute, placesAtATime)
  const credentials = ['one', 'two', 'three'].map((name) => {
    return { name, weight: 1, share: 1, limits: { tokens: 20_000, concurrency: 3 } }
  })
  const quota = new Quota(
    { clock, shape },
    {
      credentials,
      waitingMax: { interactive: 20, batch: 20 },
      tenantShareMax: 0.5,
      batchShare: 0.1,
    },
  )
  const end = (permit: Permit) => {
    const ending = endings[Math.floor(random() * endings.length)]
    if (ending === 'refuse')
      permit.observe({ status: 429, headers: ['retry-after', '1'], body: '' })
    else permit.observe({ status: 200, headers: [], body: undefined })
    if (ending === 'release') permit.release()
    else permit.settle(ending === 'leave' ? undefined : { input: 400, cached: 0, output: 10 })
    permit.release()
  }
  for (let call = 0; call < 200; call++) {
    clock.after(random() * 60_000, () => {
      const cancellation = new Cancellation()
      const session = random() < 0.3 ? `s${call % 5}` : undefined
      const asked = want({
        tenant: `t${Math.floor(random() * 4)}`,
        class: random() < 0.5 ? 'batch' : 'interactive',
        model: random() < 0.5 ? 'm' : 'n',
        inputTokens: 100 + random() * 900,
        cachedTokens: 50,
        session,
        excluded: random() < 0.2 ? ['one'] : [],
        patienceMs: random() * 30_000,
        cancellation,
      })
      try {
        const entered = Promise.resolve(quota.enter(asked))
        const over = entered.then((permit) => clock.after(random() * 8_000, () => end(permit)))
        over.catch(() => {})
      } catch {
        // Refused at once: it holds nothing.
      }
      if (random() > 0.4) return
      clock.after(random() * 10_000, () =>
        cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller left')),
      )
    })
  }
  await clock.run(200_000)
  const { interactive, batch } = quota.waiting
  assert.deepEqual({ interactive, batch }, { interactive: 0, batch: 0 })
  for (const { dimension, used } of quota.dimensions) {
    if (dimension === 'concurrency') assert.equal(used, 0)
  }
  assert.equal(clock.pending(), 0)
}

test('however calls end, nothing is held in the end: no place, no line, no timer', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(2 ** 30), storm), { numRuns: 60 })
})
