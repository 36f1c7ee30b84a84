import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LeaderLease } from '#deploy/controller/lease.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { JsonObject, KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { isKubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { manualClock } from '../manual-clock.ts'

const refusal = (status: number, reason: string) => new KubernetesError('no', { status, reason })

/** One Lease, with the API server's optimistic locking. */
class LeaseServer {
  #object: KubernetesObject | undefined
  #version = 0

  get object() {
    return this.#object
  }

  /** What one process sees of it; `isUp` says whether a question arrives. */
  api(isUp: () => boolean) {
    const asked = async <Value>(answer: () => Value): Promise<Value> => {
      if (!isUp()) throw refusal(0, 'Timeout')
      return answer()
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
  const leases = identities.map(
    (identity) =>
      new LeaderLease({
        api: server.api(() => !down.has(identity)),
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
  return { server, clock, down, leases, leaders, step }
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

test('whoever is cut off when, never do two lead', { timeout: 60_000 }, async () => {
  const identities = ['a', 'b', 'c']
  const change = fc.record({
    who: fc.constantFrom(...identities),
    isUp: fc.boolean(),
    forMs: fc.integer({ min: 500, max: 30_000 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 15 }), async (changes) => {
      const { leases, down, step } = election(identities)
      await settle()
      for (const { who, isUp, forMs } of changes) {
        if (isUp) down.delete(who)
        else down.add(who)
        await step(forMs)
      }
      for (const lease of leases) await lease.close()
    }),
    { numRuns: 40, endOnFailure: true },
  )
})
