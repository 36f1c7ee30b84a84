import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { Change } from '#shared/kubernetes/object-cache.ts'
import { type Observation, observe } from '#shared/kubernetes/observe.ts'
import { manualClock } from '#test/manual-clock.ts'
import { ModelServer, settle } from './model-server.ts'

function start(server = new ModelServer()) {
  const clock = manualClock()
  const changes: Change[] = []
  const states: string[] = []
  const observation: Observation = observe(server, {
    path: '/things',
    clock,
    onChange: (change) => changes.push(change),
    onState: ({ kind }) => states.push(kind),
  })
  const tell = () => changes.map(({ kind, key }) => `${kind} ${key}`)
  return { server, clock, changes, states, observation, tell }
}

/** Lets the observer reach what the server has: longer than any wait between two tries. */
async function catchUp({ server, clock }: Pick<ReturnType<typeof start>, 'server' | 'clock'>) {
  server.isAway = false
  for (let turn = 0; turn < 4; turn++) {
    await settle()
    server.deliver(2 ** 20)
    await settle()
    clock.advance(30_000)
  }
}

/** Applies changes to nothing and checks that each could follow the one before. */
function replay(changes: readonly Change[]): Map<string, string> {
  const known = new Map<string, string>()
  const seen = new Set<string>()
  for (const change of changes) {
    const before = known.get(change.key)
    assert.equal(before === undefined, change.kind === 'added', `${change.kind} ${change.key}`)
    if (change.kind === 'deleted') {
      known.delete(change.key)
      continue
    }
    const { uid, resourceVersion } = change.object.metadata
    const version = `${change.key} ${uid} ${resourceVersion}`
    assert.ok(!seen.has(version), `${version} is told once`)
    seen.add(version)
    const isLater = before === undefined || Number(resourceVersion) > Number(before)
    assert.ok(isLater, `${version} comes after ${before}`)
    known.set(change.key, resourceVersion ?? '')
  }
  return known
}

const names = fc.constantFrom('a', 'b', 'c', 'd', 'ü')
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('put' as const), name: names, n: fc.nat() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name: names }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), bytes: fc.nat(300) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(20_000) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('cut', 'finish', 'expire', 'compact', 'bookmark', 'away', 'back'),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function perform(server: ModelServer, clock: ReturnType<typeof manualClock>, step: Step): void {
  if (step.do === 'put') server.put(step.name, { spec: { n: step.n } })
  else if (step.do === 'remove') server.remove(step.name)
  else if (step.do === 'deliver') server.deliver(step.bytes)
  else if (step.do === 'advance') clock.advance(step.ms)
  else if (step.do === 'back') server.isAway = false
  else if (step.do === 'away') {
    server.isAway = true
    server.cut()
  } else server[step.do]()
}

test('whatever happens, an observer ends with what the server has, each change told once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const started = start()
      const { server, clock, changes, observation } = started
      for (const each of steps) {
        perform(server, clock, each)
        await settle()
      }
      await catchUp(started)
      assert.deepEqual(observation.objects, server.objects)
      const versions = new Map(
        [...server.objects].map(([name, { metadata }]) => [name, metadata.resourceVersion]),
      )
      assert.deepEqual(replay(changes), versions)
      assert.equal(observation.state.kind, 'live')
      observation.close()
      await settle()
      assert.equal(clock.pending(), 0)
    }),
    { numRuns: 200 },
  )
})

test('an observer goes on from the last version it was told, bookmarks included', async () => {
  const started = start()
  const { server, clock, tell } = started
  await settle()
  server.put('a', {})
  server.deliver(1_000)
  server.put('b', {})
  server.remove('b')
  server.cut()
  server.put('c', {})
  await catchUp(started)
  assert.deepEqual(tell(), ['added a', 'added b', 'deleted b', 'added c'])
  server.bookmark()
  server.deliver(1_000)
  server.compact()
  server.cut()
  clock.advance(30_000)
  await settle()
  assert.equal(server.lists, 1)
})

test('a version that is too old leads to a list that replaces everything at once', async () => {
  const server = new ModelServer()
  server.put('a', {})
  server.put('b', {})
  server.put('c', {})
  const sizes: number[] = []
  const clock = manualClock()
  const tell: string[] = []
  const observation: Observation = observe(server, {
    path: '/things',
    clock,
    onChange({ kind, key }) {
      tell.push(`${kind} ${key}`)
      sizes.push(observation.objects.size)
    },
  })
  await settle()
  server.remove('a')
  server.remove('b')
  server.put('b', {})
  server.put('c', { n: 1 })
  server.put('d', {})
  server.expire()
  server.cut()
  server.compact()
  await catchUp({ server, clock })
  assert.deepEqual(tell.slice(3), ['deleted a', 'changed c', 'deleted b', 'added b', 'added d'])
  assert.deepEqual(sizes, [3, 3, 3, 3, 3, 3, 3, 3])
  assert.equal(server.lists, 2)
})

test('nothing is lost while the server is away, and its age is told', async () => {
  const { server, clock, observation, states } = start()
  server.put('a', {})
  await settle()
  assert.equal(await observation.whenSynced, true)
  server.isAway = true
  server.cut()
  await settle()
  for (let turn = 0; turn < 20; turn++) {
    clock.advance(30_000)
    await settle()
  }
  assert.equal(observation.state.kind, 'stale')
  assert.equal(observation.objects.size, 1)
  assert.equal(observation.ageMs, 600_000)
  assert.equal(server.watches, 21)
  server.isAway = false
  clock.advance(30_000)
  await settle()
  assert.equal(observation.state.kind, 'live')
  assert.deepEqual([...new Set(states)], ['live', 'stale'])
})

test('tries are further and further apart, up to half a minute', async () => {
  const server = new ModelServer()
  server.isAway = true
  const { clock, observation } = start(server)
  const at: number[] = []
  for (let ms = 0; ms < 150_000; ms += 500) {
    const before = server.lists
    clock.advance(500)
    await settle()
    if (server.lists > before) at.push(clock.now())
  }
  const waits = at.map((ms, index) => ms - (at[index - 1] ?? 0))
  const bounds = [1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * 1_000)
  for (const [index, ms] of waits.entries()) {
    const bound = bounds[index] ?? 30_000
    // Seen in steps of half a second.
    assert.ok(ms >= bound / 2 && ms <= bound + 1_000, `wait ${index} is ${ms}`)
  }
  assert.equal(observation.state.kind, 'starting')
  observation.close()
})

test('a server that ends each watch at once is not asked without pause', async () => {
  const { server, clock } = start()
  for (let ms = 0; ms < 60_000; ms += 100) {
    await settle()
    server.finish()
    await settle()
    clock.advance(100)
  }
  assert.ok(server.watches < 12, `${server.watches} watches in a minute`)
})

test('a watch that lasted is followed by the next without a wait', async () => {
  const { server, clock } = start()
  await settle()
  clock.advance(240_000)
  server.finish()
  await settle()
  assert.equal(server.watches, 2)
  assert.equal(server.lists, 1)
})

test('a collection is listed anew every half an hour, whatever its watches say', async () => {
  const { server, clock, changes } = start()
  server.put('a', {})
  for (let turn = 0; turn < 15; turn++) {
    await settle()
    clock.advance(120_000)
    server.finish()
  }
  await settle()
  assert.equal(server.lists, 2)
  assert.equal(changes.length, 1)
})

test('a break after a watch that lasted is a first one again', async () => {
  const { server, clock } = start()
  await settle()
  server.isAway = true
  server.cut()
  for (let turn = 0; turn < 6; turn++) {
    await settle()
    clock.advance(30_000)
  }
  server.isAway = false
  await settle()
  clock.advance(30_000)
  await settle()
  clock.advance(10_000)
  const before = server.watches
  server.cut()
  await settle()
  clock.advance(1_000)
  await settle()
  assert.equal(server.watches, before + 1)
})

test('a list that comes after the closing changes nothing', async () => {
  const { server, observation, states } = start()
  server.put('a', {})
  observation.close()
  await settle()
  assert.deepEqual(states, ['closed'])
  assert.equal(observation.objects.size, 0)
})

test('what is refused for its version is listed anew, what is forbidden is not', async () => {
  const errors = [403, 403, 403, 403, 504, 504, 504].map(
    (status) => new KubernetesError('Cannot GET /things: no', { status, reason: 'No' }),
  )
  const server = new ModelServer()
  const clock = manualClock()
  const observation = observe(
    {
      list: () => server.list(),
      async watch(path, options) {
        const error = errors.shift()
        if (error === undefined) return await server.watch(path, options)
        await Promise.resolve()
        return { kind: 'failed', error }
      },
    },
    { path: '/things', clock },
  )
  for (let left = 4; left > 0; left--) {
    await settle()
    clock.advance(30_000)
  }
  assert.equal(server.lists, 1)
  for (let left = 4; left > 0; left--) {
    await settle()
    clock.advance(30_000)
  }
  assert.equal(server.lists, 4)
  assert.equal(observation.state.kind, 'live')
})

test('a listener that closes hears nothing more', async () => {
  const server = new ModelServer()
  server.put('a', {})
  server.put('b', {})
  const told: string[] = []
  const clock = manualClock()
  const observation: Observation = observe(server, {
    path: '/things',
    clock,
    onChange({ key }) {
      told.push(key)
      observation.close()
    },
  })
  await settle()
  assert.deepEqual(told, ['a'])
  assert.equal(observation.state.kind, 'closed')
  assert.equal(clock.pending(), 0)
})

test('closing before the first list is told to who waits for it', async () => {
  const server = new ModelServer()
  server.isAway = true
  const { observation } = start(server)
  observation.close()
  assert.equal(await observation.whenSynced, false)
})

test('managed fields are not kept', async () => {
  const { server, observation } = start()
  server.objects.set('a', { metadata: { name: 'a', resourceVersion: '1', managedFields: [{}] } })
  await settle()
  assert.deepEqual(observation.objects.get('a'), { metadata: { name: 'a', resourceVersion: '1' } })
})
