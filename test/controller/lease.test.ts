import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LeaderLease } from '#deploy/controller/lease.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { JsonObject, KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { isKubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { manualClock } from '../manual-clock.ts'

const refusal = (status: number, reason: string) => new KubernetesError('no', { status, reason })

/** How long a question and its answer are under way. */
interface Ways {
  readonly thereMs: number
  readonly backMs: number
}

/** One Lease, with the API server's optimistic locking. */
class LeaseServer {
  #object: KubernetesObject | undefined
  #version = 0

  get object() {
    return this.#object
  }

  /**
   * What one process sees of it; `isUp` says whether a question arrives, `pause` waits on the way
   * there and on the way back.
   */
  api(isUp: () => boolean, pause: (way: keyof Ways) => Promise<void> | undefined) {
    const asked = async <Value>(answer: () => Value): Promise<Value> => {
      await pause('thereMs')
      if (!isUp()) throw refusal(0, 'Timeout')
      const given = answer()
      await pause('backMs')
      return given
    }
    return {
      get: () =>
        asked(() => {
          if (this.#object === undefined) throw refusal(404, 'NotFound')
          return this.#object
        }),
      create: (_path: string, body: JsonObject) =>
        asked(() => {
          if (this.#object !== undefined) throw refusal(409, 'AlreadyExists')
          return this.#put(body)
        }),
      replace: (_path: string, body: JsonObject) =>
        asked(() => {
          assert.ok(isKubernetesObject(body))
          const isLate = body.metadata.resourceVersion !== String(this.#version)
          if (isLate) throw refusal(409, 'Conflict')
          return this.#put(body)
        }),
    }
  }

  #put(body: JsonObject): KubernetesObject {
    assert.ok(isKubernetesObject(body))
    this.#version++
    const metadata = { ...body.metadata, resourceVersion: String(this.#version) }
    this.#object = { ...body, metadata }
    return this.#object
  }
}

/** Lets promises that are due settle. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

function election(identities: readonly string[]) {
  const server = new LeaseServer()
  const clock = manualClock()
  const down = new Set<string>()
  const ways = new Map<string, Ways>()
  const leases = identities.map(
    (identity) =>
      new LeaderLease({
        api: server.api(
          () => !down.has(identity),
          (way) => {
            const ms = ways.get(identity)?.[way] ?? 0
            return ms > 0 ? new Promise((resolve) => clock.after(ms, resolve)) : undefined
          },
        ),
        clock,
        namespace: 'outrigger-system',
        name: 'outrigger-controller',
        identity,
        onChange: () => {},
      }),
  )
  const leaders = () => leases.filter(({ isLeader }) => isLeader).length
  const step = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500)
      await settle()
      assert.ok(leaders() <= 1, 'two lead')
    }
  }
  return { server, clock, down, ways, leases, leaders, step }
}

test('one of three leads, and stays leading', async () => {
  const { leases, leaders, step } = election(['a', 'b', 'c'])
  await settle()
  assert.equal(leaders(), 1)
  const leader = leases.find(({ isLeader }) => isLeader)
  await step(120_000)
  assert.equal(leader?.isLeader, true)
  for (const lease of leases) await lease.close()
})

test('who leaves in order hands over at once, who is cut off within 20 s', async () => {
  const { leases, leaders, down, step } = election(['a', 'b'])
  await settle()
  const [first, second] = leases
  assert.equal(first?.isLeader, true)
  await first.close()
  await step(4_000)
  assert.equal(second?.isLeader, true)
  down.add('b')
  await step(11_000)
  assert.equal(leaders(), 0)
  await second.close()
})

test('the API server away and back: nobody leads without it, one does after it', async () => {
  const { leases, leaders, down, step } = election(['a', 'b'])
  await settle()
  down.add('a').add('b')
  await step(30_000)
  assert.equal(leaders(), 0)
  down.clear()
  await step(20_000)
  assert.equal(leaders(), 1)
  for (const lease of leases) await lease.close()
})

test('an answer 9 s late lets nobody lead beside another', async () => {
  const { leases, leaders, down, ways, step } = election(['a', 'b'])
  await settle()
  const [first] = leases
  await step(3_000)
  ways.set('a', { thereMs: 0, backMs: 9_000 })
  // It has read and written by then, and hears of the latter only after 18 s.
  await step(13_000)
  down.add('a')
  await step(60_000)
  assert.equal(first?.isLeader, false)
  assert.equal(leaders(), 1)
  ways.clear()
  for (const lease of leases) await lease.close()
})

test('an answer that comes after the deadline makes nobody lead', async () => {
  const { leases, leaders, ways, step } = election(['a'])
  ways.set('a', { thereMs: 0, backMs: 10_500 })
  for (let passed = 0; passed < 120; passed++) {
    await step(500)
    assert.equal(leaders(), 0)
  }
  ways.clear()
  await step(30_000)
  assert.equal(leaders(), 1)
  for (const lease of leases) await lease.close()
})

test('whoever is cut off or slow when, never do two lead', { timeout: 60_000 }, async () => {
  const identities = ['a', 'b', 'c']
  // No question takes longer than the 15 s that the client gives it.
  const ways = fc.constantFrom(
    ...[0, 500, 3_000, 9_000, 14_000].map((backMs) => ({ thereMs: 0, backMs })),
    { thereMs: 7_000, backMs: 7_000 },
  )
  const change = fc.record({
    who: fc.constantFrom(...identities),
    isUp: fc.boolean(),
    ways,
    forMs: fc.integer({ min: 500, max: 30_000 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 15 }), async (changes) => {
      const { leases, down, ways: under, step } = election(identities)
      await settle()
      for (const each of changes) {
        if (each.isUp) down.delete(each.who)
        else down.add(each.who)
        under.set(each.who, each.ways)
        await step(each.forMs)
      }
      under.clear()
      // What is under way arrives, or nothing could be closed.
      await step(20_000)
      for (const lease of leases) await lease.close()
    }),
    { numRuns: 150, endOnFailure: true },
  )
})
