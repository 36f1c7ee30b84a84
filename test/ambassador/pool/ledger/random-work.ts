import assert from 'node:assert/strict'
import { EarlyBinding } from '#ambassador/pool/dispatch/early-binding.ts'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import type { Router } from '#ambassador/pool/dispatch/router.ts'
import { fair } from '#ambassador/pool/dispatch/settings.ts'
import type { Entry } from '#ambassador/pool/ledger/entry.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { elsewhere } from '#ambassador/pool/placing/elsewhere.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'
import { manualClock } from '#test/manual-clock.ts'

const blockTokens = 16
const capacityBlocks = 40
const adapters = ['', '', '', 'sql', 'chat']
const classes = ['interactive', 'interactive', 'batch']
const slots = [0, 1, 2, 3]
/** Calls that are remembered, so that what has long ended is told of again, and not for ever. */
const guestsMax = 60

/** All that may happen to the work of a pool, the absurd included. */
export const acts = [
  // A call that may wait, and one that another replica has failed: it is placed at once.
  'send',
  'send',
  'send',
  'send',
  'retry',
  'first',
  'first',
  'content',
  'stream',
  'stream',
  'said',
  // Its reader stalls, and goes on; its adapter is loaded first.
  'paused',
  'on',
  'lacks',
  'has',
  'grow',
  'audit',
  'end',
  'end',
  'leave',
  'leave',
  'scrape',
  'full',
  'room',
  'wait',
  'wait',
  // A replica takes no calls, takes them again, or has gone and another stands in its place.
  'out',
  'back',
  'forget',
] as const

/** One event; what its numbers stand for depends on the act. */
interface Happening {
  readonly act: (typeof acts)[number]
  /** Which call, among those remembered. */
  readonly which: number
  readonly slot: number
  /** 0 to 99. */
  readonly amount: number
}

/** A call at a replica, or on its way to one. */
interface Guest {
  /** Of its blocks, those of what it has generated included. */
  keys: readonly number[]
  entry: Entry | undefined
  takeBack: () => void
}

/** Ledger, index and routers of a pool of four small replicas, as the ambassador uses them. */
export class RandomWork {
  readonly #clock = manualClock()
  readonly #index = new PrefixIndex({ blocksMax: 10_000 })
  readonly #ledger = new Ledger({
    now: () => this.#clock.now(),
    index: this.#index,
    blockTokens,
  })
  readonly #members: Member[]
  readonly #out = new Set<number>()
  readonly #late: Router
  readonly #direct: Router
  #guests: Guest[] = []
  #calls = 0

  constructor() {
    this.#members = slots.map((slot) => this.#memberOf(slot))
    const parts = {
      ledger: this.#ledger,
      index: this.#index,
      members: () => this.#members.filter(({ slot }) => !this.#out.has(slot)),
      blockTokens,
      rates: { tokenMs: 1, pairMs: 0 },
    }
    this.#late = new LateBinding({ ...parts, clock: this.#clock, settings: fair })
    this.#direct = new EarlyBinding({ ...parts, policy: elsewhere() })
  }

  /** Nothing that is counted is negative after it. */
  apply(happening: Happening): void {
    this.#act(happening)
    for (const slot of slots) {
      const { inFlight, queuedTokens, tailBlocks } = this.#ledger.book(slot)
      assert.ok(inFlight >= 0 && queuedTokens >= 0 && tailBlocks >= 0)
      assert.ok(this.#index.live(slot) >= 0)
    }
    this.#ledger.forecast(happening.slot).stepsUntil(happening.amount, capacityBlocks)
  }

  /** All calls end or leave: nothing is counted then, and nobody waits for a timer. */
  rest(): void {
    for (const guest of this.#guests) this.#leave(guest)
    assert.equal(this.#late.waiting, 0)
    this.#clock.advance(100_000)
    assert.equal(this.#clock.pending(), 0)
    for (const slot of slots) this.#restsAt(slot)
  }

  #restsAt(slot: number): void {
    const book = this.#ledger.book(slot)
    const { inFlight, queuedTokens, tailBlocks, prefills, correction } = book
    assert.deepEqual([inFlight, queuedTokens, tailBlocks, prefills.size], [0, 0, 0, 0])
    assert.equal(book.queuedMs(1e9), 0)
    assert.equal(this.#index.live(slot), 0)
    assert.equal(this.#ledger.heldBlocks(slot), correction.blocks)
    // Where no call runs with an adapter, none stays in a replica without slots.
    book.adapters.slots = 0
    book.adapters.add('another')
    book.adapters.remove('another')
    for (const adapter of adapters) assert.ok(adapter === '' || !book.adapters.has(adapter))
    book.adapters.slots = 1
  }

  #act({ act, which, slot, amount }: Happening): void {
    const member = this.#members[slot]
    const guest = this.#guests[which % Math.max(1, this.#guests.length)]
    assert.ok(member !== undefined)
    if (act === 'send' || act === 'retry') this.#send(act, { which, amount })
    else if (act === 'scrape') {
      this.#ledger.observe(slot, { kvUsage: amount / 100, waiting: which % 2 })
    } else if (act === 'full') member.sequencesMax = Math.max(1, member.inFlight - 1)
    else if (act === 'room') member.sequencesMax = Number.POSITIVE_INFINITY
    else if (act === 'wait') this.#clock.advance(amount * 10)
    else if (act === 'out') this.#out.add(slot)
    else if (act === 'back') this.#out.delete(slot)
    else if (act === 'forget') this.#forget(slot)
    else if (guest !== undefined) this.#touch(act, guest, amount)
    this.#late.changed()
  }

  #send(act: 'send' | 'retry', numbers: Pick<Happening, 'which' | 'amount'>): void {
    if (act === 'retry' && this.#out.size === slots.length) return
    const keys = keysOf(numbers)
    const guest: Guest = { keys, entry: undefined, takeBack: () => undefined }
    const router = act === 'send' ? this.#late : this.#direct
    guest.takeBack = router.submit(this.#callOf(keys, numbers), ({ entry }) => {
      assert.equal(guest.entry, undefined)
      guest.entry = entry
    })
    this.#guests.push(guest)
    if (this.#guests.length <= guestsMax) return
    const [oldest, ...rest] = this.#guests
    if (oldest !== undefined) this.#leave(oldest)
    this.#guests = rest
  }

  #callOf(
    keys: readonly number[],
    { which, amount }: Pick<Happening, 'which' | 'amount'>,
  ): PoolCall {
    return {
      id: `${++this.#calls}`,
      tokens: keys.length * blockTokens + (amount % blockTokens),
      chain: chainOf(Float64Array.from(keys)),
      adapter: adapters[which % adapters.length] ?? '',
      tenant: amount % 3 === 0 ? 'acme' : 'other',
      class: classes[which % classes.length] ?? '',
      arrivedMs: this.#clock.now(),
      outputMax: 10 + amount * 10,
      session: '',
    }
  }

  /** A call tells of itself; of one that waits nothing can be told. */
  #touch(act: Happening['act'], guest: Guest, amount: number): void {
    const { entry, keys } = guest
    if (act === 'leave') this.#leave(guest)
    if (entry === undefined) return
    if (act === 'first') this.#ledger.firstToken(entry)
    else if (act === 'content') this.#ledger.firstContent(entry)
    else if (act === 'stream') this.#ledger.streamed(entry, amount)
    else if (act === 'said') this.#ledger.said(entry, amount * amount)
    else if (act === 'paused' || act === 'on') this.#ledger.reads(entry, act)
    else if (act === 'lacks') this.#ledger.lacksAdapter(entry)
    else if (act === 'has') this.#ledger.hasAdapter(entry)
    else if (act === 'end') this.#ledger.end(entry)
    else if (act === 'audit') this.#index.audit(entry.hold, amount % (keys.length + 1))
    else if (act === 'grow' && entry.state === 'decode') {
      guest.keys = [...keys, ...keysOf({ which: amount, amount }, keys.at(-1))]
      this.#index.extend(entry.hold, chainOf(Float64Array.from(guest.keys)))
    }
  }

  /** However it is; also a second time. */
  #leave(guest: Guest): void {
    guest.takeBack()
    if (guest.entry !== undefined) this.#ledger.end(guest.entry)
  }

  #forget(slot: number): void {
    this.#ledger.forget(slot)
    this.#index.close(slot)
    this.#members[slot] = this.#memberOf(slot)
  }

  #memberOf(slot: number): Member {
    this.#index.open(slot, capacityBlocks)
    const member = new Member(slot, `http://replica-${slot}`, this.#ledger.book(slot))
    member.capacityBlocks = capacityBlocks
    return member
  }
}

/** Up to 12 keys, each standing for all up to it, as hashes of prefixes do; many begin alike. */
function keysOf({ which, amount }: Pick<Happening, 'which' | 'amount'>, after = 7): number[] {
  let chain = after
  return Array.from({ length: amount % 13 }, (_, at) => {
    chain = (chain * 31 + ((which >> at) & 3) + 1) % 1_000_003
    return chain
  })
}
