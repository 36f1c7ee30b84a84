import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import * as fc from 'fast-check'
import { EventBudget, eventRates } from '#deploy/webhook/event-budget.ts'
import { OwnerEvents } from '#deploy/webhook/owner-events.ts'
import { localError } from '#shared/kubernetes/kubernetes-error.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { manualClock } from '../manual-clock.ts'

const minuteMs = 60_000

function podOf(owner: object, metadata: object = {}) {
  const whole = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', controller: true }
  return { metadata: { ...metadata, ownerReferences: [{ ...whole, ...owner }] } }
}

/** Events as they are written; `answer` is what the API server does with each. */
function telling(answer: () => Promise<void> = async () => {}) {
  const clock = manualClock()
  const written: { path: string; event: JsonObject }[] = []
  let dropped = 0
  const events = new OwnerEvents({
    clock,
    instance: 'webhook-1',
    isExcluded: (namespace) => namespace === 'kube-system',
    onDropped: () => dropped++,
    api: {
      async create(path, event) {
        written.push({ path, event })
        await answer()
        return { metadata: {} }
      },
    },
  })
  const tell = (pod: unknown, namespace: string, message = 'no') =>
    events.tell(pod, namespace, { type: 'Warning', reason: 'InjectionRefused', message })
  return { clock, tell, written, events, dropped: () => dropped }
}

test('the same is told its owner once in ten minutes', async () => {
  const { clock, tell, written } = telling()
  for (let at = 0; at < 10; at++) {
    tell(podOf({ uid: 'u-1' }), 'shop')
    clock.advance(minuteMs - 1)
  }
  assert.equal(written.length, 1)
  clock.advance(10)
  tell(podOf({ uid: 'u-1' }), 'shop')
  assert.equal(written.length, 2)
  tell(podOf({ uid: 'u-2' }), 'shop')
  assert.equal(written.length, 3)
})

test('sixteen are written at once, and what is more is dropped and counted', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { tell, written, dropped } = telling(() => promise)
  for (let at = 0; at < 20; at++) tell(podOf({ uid: `u-${at}` }), `shop-${at}`)
  assert.equal(written.length, 16)
  assert.equal(dropped(), 4)
  resolve()
  await setImmediate()
  tell(podOf({ uid: 'u-20' }), 'shop-20')
  assert.equal(written.length, 17)
})

test('what the API server refuses is counted and makes room', async () => {
  const { tell, written, dropped } = telling(async () => {
    throw localError('Unreachable', 'POST', 'refused')
  })
  for (let at = 0; at < 20; at++) {
    tell(podOf({ uid: `u-${at}` }), `shop-${at}`)
    await setImmediate()
  }
  assert.equal(written.length, 20)
  assert.equal(dropped(), 20)
})

test('of what was said the last thousand are remembered', async () => {
  const { clock, tell, written, events } = telling()
  for (let at = 0; at < 1_100; at++) {
    tell(podOf({ uid: `u-${at}` }), `shop-${at % 10}`)
    await setImmediate()
    clock.advance(1_200)
  }
  assert.equal(written.length, 1_100)
  assert.equal(events.remembered, 1_000)
  tell(podOf({ uid: 'u-1099' }), `shop-${1_099 % 10}`)
  assert.equal(written.length, 1_100)
})

test('no Event is about an excluded namespace, another one than the pod’s, or a name that is none', () => {
  const { tell, written, dropped } = telling()
  tell(podOf({ kind: 'Deployment', name: 'coredns' }), 'kube-system')
  tell(podOf({}, { namespace: 'bank' }), 'shop')
  const places = ['', '../x', 'kube-system/', 'kube%2dsystem', 'Kube-system', 'x'.repeat(64), 'a\n']
  for (const namespace of places) tell(podOf({}), namespace)
  for (const name of ['', 'click here', '../x', 'x'.repeat(254), 'a\u001b[2J']) {
    tell(podOf({ name }), 'shop')
  }
  tell(podOf({ kind: 'Free money at' }), 'shop')
  assert.equal(written.length, 0)
  assert.equal(dropped(), 0)
  tell(podOf({ apiVersion: 'so long, and', uid: 'thanks for all' }, { namespace: 'shop' }), 'shop')
  assert.equal(written[0]?.path, '/api/v1/namespaces/shop/events')
  assert.doesNotMatch(JSON.stringify(written), /so long|thanks/)
})

test('a message is cut to 400 characters and holds no control characters', () => {
  const { tell, written } = telling()
  const message = `a\u001b[31m\r\n\u202eb\u2028${'x'.repeat(500)}`
  tell(podOf({ uid: 'u-1' }), 'shop', message)
  const said = String(written[0]?.event['message'])
  assert.equal(said.length, 400)
  assert.match(said, /^a \[31m {3}b x+$/)
})

test('one namespace has ten Events a minute, all together fifty', async () => {
  const { clock, tell, written, dropped } = telling()
  const flood = async () => {
    for (let at = 0; at < 200; at++) {
      tell(podOf({ uid: clock.id() }), `shop-${at % 10}`)
      await setImmediate()
    }
  }
  for (let at = 0; at < 40; at++) {
    tell(podOf({ uid: clock.id() }), 'loud')
    await setImmediate()
  }
  assert.equal(written.length, 10)
  assert.equal(dropped(), 30)
  await flood()
  assert.equal(written.length, 50)
  clock.advance(minuteMs)
  await flood()
  assert.equal(written.length, 100)
})

test('law: whatever is asked, no minute has more than its bucket and its refill', () => {
  const asks = fc.array(fc.tuple(fc.nat(11), fc.nat(4_000)), { maxLength: 400 })
  fc.assert(
    fc.property(asks, (steps) => {
      const clock = manualClock()
      const budget = new EventBudget(clock)
      const taken = new Map<string, number>()
      let all = 0
      for (const [which, waitMs] of steps) {
        clock.advance(waitMs)
        const namespace = `n-${which}`
        if (!budget.take(namespace)) continue
        all++
        taken.set(namespace, (taken.get(namespace) ?? 0) + 1)
        const minutes = clock.now() / minuteMs + 1e-6
        assert.ok(all <= eventRates.all * (1 + minutes))
        assert.ok((taken.get(namespace) ?? 0) <= eventRates.namespace * (1 + minutes))
      }
    }),
    { numRuns: 50 },
  )
})

test('a budget remembers a thousand namespaces', () => {
  const clock = manualClock()
  const budget = new EventBudget(clock)
  for (let at = 0; at < 1_500; at++) {
    assert.ok(budget.take(`n-${at}`))
    clock.advance(minuteMs)
  }
  assert.equal(budget.size, 1_000)
})
