import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { Binding } from '#ambassador/pool/dispatch/router.ts'
import { type DispatchSettings, fair, fast } from '#ambassador/pool/dispatch/settings.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { manualClock } from '#test/manual-clock.ts'
import { blockTokens, poolCall } from '../pool-call.ts'

interface Made {
  readonly replicas?: number
  readonly capacity?: number
  readonly settings?: DispatchSettings
}

function poolOf({ replicas = 2, capacity = 100, settings = fast }: Made = {}) {
  const clock = manualClock()
  const index = new PrefixIndex({ blocksMax: 100_000 })
  const ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
  const members = Array.from({ length: replicas }, (_, slot) => {
    index.open(slot, capacity)
    const member = new Member(slot, `http://replica-${slot}`, ledger.book(slot))
    member.capacityBlocks = capacity
    return member
  })
  const rates = { tokenMs: 1, pairMs: 0 }
  const router = new LateBinding({
    clock,
    settings,
    ledger,
    index,
    members: () => members,
    blockTokens,
    rates,
  })
  const bound = new Map<string, Binding>()
  const submit = (id: string, keys: readonly number[]) =>
    router.submit(poolCall(id, keys, clock.now()), (binding) => bound.set(id, binding))
  const end = (id: string) => {
    const binding = bound.get(id)
    assert.ok(binding, `${id} is not bound`)
    ledger.firstToken(binding.entry)
    ledger.end(binding.entry)
    router.changed()
  }
  const at = (id: string) => bound.get(id)?.member.slot
  return { clock, members, router, bound, submit, end, at }
}

/** Blocks that nobody else has, `count` of them. */
let next = 1_000
function fresh(count: number): number[] {
  return Array.from({ length: count }, () => next++)
}

test('a call goes at once to the replica that has its prefix', () => {
  const { submit, end, at } = poolOf()
  submit('first', [1, 2, 3, 4])
  const home = at('first')
  end('first')
  submit('other', fresh(2))
  submit('second', [1, 2, 3, 4, 5])
  assert.equal(at('second'), home)
})

test('a call that fits nowhere waits, and goes when one ends', () => {
  const { submit, end, at, router } = poolOf()
  submit('a', fresh(80))
  submit('b', fresh(80))
  submit('c', fresh(50))
  assert.equal(at('c'), undefined)
  assert.equal(router.waiting, 1)
  end('a')
  assert.equal(at('c'), at('a'))
  assert.equal(router.waiting, 0)
})

test('a call that does not fit never stops a smaller one behind it', () => {
  const { submit, at } = poolOf()
  submit('a', fresh(80))
  submit('b', fresh(80))
  submit('large', fresh(50))
  submit('small', fresh(5))
  assert.equal(at('large'), undefined)
  assert.notEqual(at('small'), undefined)
})

test('blocks that live calls hold take no room twice', () => {
  const { submit, at } = poolOf({ replicas: 1 })
  const shared = fresh(80)
  submit('a', shared)
  submit('b', [...shared, ...fresh(15)])
  assert.equal(at('b'), 0)
  submit('c', fresh(15))
  assert.equal(at('c'), undefined)
})

test('an empty replica takes what is larger than its cache', () => {
  const { submit, at } = poolOf({ replicas: 1, capacity: 10 })
  submit('a', fresh(50))
  assert.equal(at('a'), 0)
})

test('of those that wait the one with the least work goes first', () => {
  const { submit, end, at } = poolOf({ replicas: 1 })
  submit('a', fresh(100))
  submit('large', fresh(90))
  submit('small', fresh(30))
  end('a')
  assert.equal(at('small'), 0)
  assert.equal(at('large'), undefined)
})

test('a call grows older, and is not overtaken for ever', () => {
  const { submit, end, at, clock } = poolOf({ replicas: 1 })
  submit('a', fresh(100))
  submit('large', fresh(90))
  // 60 blocks less work are worth 960 ms, which ageing makes up for in 19.2 s.
  clock.advance(19_300)
  submit('late', fresh(30))
  end('a')
  assert.equal(at('large'), 0)
  assert.equal(at('late'), undefined)
})

test('a call that is taken back goes nowhere', () => {
  const { submit, end, at, router } = poolOf({ replicas: 1 })
  submit('a', fresh(100))
  const takeBack = submit('b', fresh(10))
  takeBack()
  end('a')
  assert.equal(at('b'), undefined)
  assert.equal(router.waiting, 0)
})

test('taking back a call that has gone does nothing', () => {
  const { submit, at, router } = poolOf({ replicas: 1 })
  const takeBack = submit('a', fresh(10))
  takeBack()
  assert.equal(at('a'), 0)
  assert.equal(router.waiting, 0)
})

test('a replica without places is passed over', () => {
  const { submit, at, members } = poolOf()
  const [first] = members
  assert.ok(first)
  first.sequencesMax = 0
  submit('a', fresh(5))
  submit('b', fresh(5))
  submit('c', fresh(5))
  // An empty replica takes one in any case: it will never have more room.
  assert.deepEqual([at('a'), at('b'), at('c')].filter((slot) => slot === 0).length <= 1, true)
})

test('who waits is looked at again with time alone', () => {
  const { submit, at, members, clock } = poolOf({ replicas: 1 })
  const [only] = members
  assert.ok(only)
  submit('a', fresh(5))
  only.sequencesMax = 1
  submit('b', fresh(5))
  assert.equal(at('b'), undefined)
  only.sequencesMax = 2
  clock.advance(60)
  assert.equal(at('b'), 0)
})

test('nothing is looked at, and no timer runs, where nobody waits', () => {
  const { submit, end, clock } = poolOf()
  submit('a', fresh(5))
  end('a')
  clock.advance(1_000)
  assert.equal(clock.pending(), 0)
})

/** Small calls that keep every replica nearly full, one after the other. */
function crowd(pool: ReturnType<typeof poolOf>, live: string[], rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    const id = `small-${next}`
    pool.submit(id, fresh(10))
    live.push(id)
    pool.clock.advance(100)
    const oldest = live.find((name) => pool.at(name) !== undefined)
    if (oldest !== undefined && live.length > 18) {
      live.splice(live.indexOf(oldest), 1)
      pool.end(oldest)
    }
  }
}

test('a large call that has waited gets a replica kept for it', () => {
  const outcomes = [fast, fair].map((settings) => {
    const pool = poolOf({ settings: { ...settings, ageing: 0 } })
    const live: string[] = []
    crowd(pool, live, 80)
    pool.submit('large', fresh(60))
    crowd(pool, live, 300)
    return pool.at('large') !== undefined
  })
  assert.deepEqual(outcomes, [false, true])
})

test('a call with nothing cached anywhere takes another replica when its best one is full', () => {
  const { submit, at, members } = poolOf()
  submit('a', fresh(95))
  submit('b', fresh(20))
  submit('c', fresh(20))
  // The first replica has fewer calls, and no room.
  assert.notEqual(at('a'), at('b'))
  submit('d', fresh(10))
  assert.equal(at('d'), at('b'))
  assert.equal(members.length, 2)
})

test('a call waits for the replica that has its prefix while others are free', () => {
  const { submit, end, at } = poolOf({ capacity: 200 })
  const prefix = fresh(60)
  submit('first', prefix)
  end('first')
  submit('full', [...prefix, ...fresh(130)])
  assert.equal(at('full'), at('first'))
  submit('second', [...prefix, ...fresh(20)])
  assert.equal(at('second'), undefined)
  end('full')
  assert.equal(at('second'), at('first'))
})

test('so many wait for one prefix that it gets a second home', () => {
  const { submit, end, at } = poolOf({ settings: { ...fast, copyPrice: 1 } })
  const prefix = fresh(30)
  submit('first', prefix)
  end('first')
  for (let call = 0; call < 60; call++) submit(`call ${call}`, [...prefix, ...fresh(30)])
  const homes = new Set(Array.from({ length: 60 }, (_, call) => at(`call ${call}`)))
  assert.deepEqual(new Set([...homes].filter((slot) => slot !== undefined)), new Set([0, 1]))
})

test('a replica whose adapters all have calls takes no other adapter', () => {
  const { router, members, clock } = poolOf({ replicas: 1 })
  const bound: string[] = []
  const submit = (id: string, adapter: string) =>
    router.submit({ ...poolCall(id, fresh(2), clock.now()), adapter }, () => bound.push(id))
  for (const { book } of members) book.adapters.slots = 2
  submit('one', 'french')
  submit('two', 'german')
  submit('three', 'latin')
  submit('four', 'german')
  assert.deepEqual(bound, ['one', 'two', 'four'])
})

test('a call goes to no replica that may not serve it, also when it has waited', () => {
  const { router, submit, end, at, clock, members } = poolOf()
  const served = members[0]?.origin
  submit('a', fresh(95))
  submit('b', fresh(5))
  const bound: string[] = []
  const call = poolCall('c', fresh(20), clock.now())
  const mayServe = ({ origin }: { readonly origin: string }) => origin === served
  router.submit({ ...call, mayServe }, ({ member }) => bound.push(member.origin))
  router.changed()
  assert.deepEqual(bound, [])
  assert.equal(at('a'), 0)
  end('a')
  assert.deepEqual(bound, [served])
})
