import { assumedRates } from '#ambassador/pool/cost/prefill-cost.ts'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import type { Binding } from '#ambassador/pool/dispatch/router.ts'
import { fair } from '#ambassador/pool/dispatch/settings.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { ChainBuilder } from '#ambassador/pool/prefix/hash.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { manualClock } from '#test/manual-clock.ts'
import { cpuOf, type Rounds, roundsOf } from './costs-cpu.ts'
import { randomFrom } from './index-shapes.ts'
import { type Timed, timesOf } from './timed.ts'

const replicas = 64
const blockTokens = 16
/** KV cache of a replica: a million tokens. */
const capacityBlocks = 65_536
/** Calls under way over all replicas, as many as come to be where prefixes have homes. */
const inFlight = 384
const conversations = 512
const turnTokens = 5_000
const answerTokens = 300
const [shortest, longest] = [60_000, 140_000]
const waitingCalls = 1_000
const rounds = { filling: 1_500, measured: 3_000, held: 200 } as const
/** Rounds that each figure is taken in; one in which nobody else took the caches is the least. */
const roundsEach = 10

/** One conversation: its tokens up to the next question. */
interface Talk {
  readonly id: number
  builder: ChainBuilder
}

/** A pool of 64 replicas whose caches are full of conversations of about 100,000 tokens. */
class BusyPool {
  readonly clock = manualClock()
  readonly index = new PrefixIndex({ blocksMax: replicas * capacityBlocks })
  readonly ledger = new Ledger({
    now: () => this.clock.now(),
    index: this.index,
    blockTokens,
  })
  readonly members = Array.from({ length: replicas }, (_, slot) => {
    this.index.open(slot, capacityBlocks)
    const member = new Member(slot, `http://replica-${slot}`, this.ledger.book(slot))
    member.capacityBlocks = capacityBlocks
    return member
  })
  readonly router = new LateBinding({
    clock: this.clock,
    settings: fair,
    ledger: this.ledger,
    index: this.index,
    members: () => this.members,
    blockTokens,
    rates: assumedRates,
  })
  readonly running: { readonly binding: Binding; readonly builder: ChainBuilder }[] = []
  readonly #random = randomFrom(11)
  readonly #talks: Talk[] = []
  #ids = 0

  /** The next turn of some conversation; 95 % of its prompt has been sent before. */
  next(): { readonly call: PoolCall; readonly builder: ChainBuilder } {
    const at = Math.floor(this.#random() * conversations)
    let talk = this.#talks[at]
    if (talk === undefined || talk.builder.tokens > longest) {
      talk = this.#begun()
      this.#talks[at] = talk
    }
    const { builder } = talk
    builder.push(tokensOf(talk.id * 1_000 + builder.tokens, turnTokens))
    return { call: this.#callOf(talk, builder), builder }
  }

  /** A call that has been placed is under way; those before it get on, and the oldest one ends. */
  entered(binding: Binding, builder: ChainBuilder): void {
    this.running.push({ binding, builder })
    if (this.running.length > inFlight / 8) this.progress()
    if (this.running.length > inFlight) this.end()
  }

  /** The next prefill is over; false where none is under way. */
  progress(): boolean {
    const next = this.running.find(({ binding }) => binding.entry.state === 'prefill')
    if (next !== undefined) this.ledger.firstToken(next.binding.entry)
    return next !== undefined
  }

  end(): void {
    const oldest = this.running.shift()
    if (oldest === undefined) return
    const { entry } = oldest.binding
    this.ledger.firstToken(entry)
    this.ledger.streamed(entry, answerTokens)
    const { builder } = oldest
    builder.push(tokensOf(this.#ids + 7, answerTokens))
    this.index.extend(entry.hold, builder.chain())
    this.ledger.end(entry)
  }

  #begun(): Talk {
    const id = ++this.#ids
    const builder = new ChainBuilder({ blockTokens, seed: [1, 2] })
    // One of 40 system prompts, the common ones far more common.
    builder.push(tokensOf(Math.floor(40 * this.#random() ** 3), 4_000))
    const length = shortest + this.#random() * (longest - shortest)
    builder.push(tokensOf(id * 1_000_003, Math.floor(length)))
    return { id, builder }
  }

  #callOf({ id }: Talk, builder: ChainBuilder): PoolCall {
    return {
      id: `${id}`,
      tokens: builder.tokens,
      chain: builder.chain(),
      adapter: '',
      tenant: `tenant-${id % 8}`,
      class: id % 5 === 0 ? 'batch' : 'interactive',
      arrivedMs: this.clock.now(),
      outputMax: 1_000,
      session: '',
    }
  }
}

function tokensOf(id: number, length: number): Uint32Array {
  const random = randomFrom(Math.imul(id, 0x9e3779b1) ^ 0x5bd1e995)
  return Uint32Array.from({ length }, () => random() * 128_000)
}

/** CPU time of one kind of work, in microseconds. */
export interface Work {
  readonly each: Timed
  readonly rounds: Rounds
}

/** What a decision takes beyond the hashing of the prompt: microseconds of CPU time. */
export interface DecisionCost {
  readonly replicas: number
  readonly meanTokens: number
  readonly inFlight: number
  /** Blocks in the index, all replicas together. */
  readonly blocks: number
  /** A call that is placed at once. */
  readonly placed: Work
  /** One that has to wait. */
  readonly held: Work
  readonly waiting: number
  /** A look at those that wait, none of which fits, within what is remembered of them, and after it. */
  readonly looked: Work
  readonly lookedAnew: Work
  /** One that places a single call. */
  readonly lookedWithRoom: Work
}

/** Fills a pool and measures; takes some ten seconds and 1 GB. */
export function decisionCost(): DecisionCost {
  const pool = new BusyPool()
  for (let at = 0; at < rounds.filling; at++) placed(pool, undefined)
  const atOnce: number[] = []
  let tokens = 0
  for (let at = 0; at < rounds.measured; at++) tokens += placed(pool, atOnce)
  const blocks = pool.index.blocks
  return {
    replicas,
    meanTokens: tokens / rounds.measured,
    inFlight: pool.running.length,
    blocks,
    placed: workOf(atOnce),
    ...waited(pool),
  }
}

/** Sends one call; gives its tokens. One that waits is placed as others get on. */
function placed(pool: BusyPool, times: number[] | undefined): number {
  const { call, builder } = pool.next()
  const copy = new ChainBuilder(builder)
  pool.clock.advance(10)
  const bound: Binding[] = []
  const us: number[] = []
  timed(us, () => pool.router.submit(call, (binding) => bound.push(binding)))
  if (bound.length > 0) times?.push(...us)
  while (bound.length === 0 && pool.running.length > 0) {
    if (!pool.progress()) pool.end()
    pool.router.changed()
  }
  for (const binding of bound) pool.entered(binding, copy)
  return call.tokens
}

function waited(pool: BusyPool) {
  const { members, router, clock } = pool
  const held: number[] = []
  const looked: number[] = []
  const lookedAnew: number[] = []
  const lookedWithRoom: number[] = []
  // Nobody takes another call.
  for (const member of members) member.sequencesMax = 1
  while (router.waiting < waitingCalls) {
    const { call, builder } = pool.next()
    const copy = new ChainBuilder(builder)
    timed(held, () => router.submit(call, (binding) => pool.entered(binding, copy)))
  }
  for (let round = 0; round < rounds.held; round++) {
    timed(looked, () => router.changed())
  }
  for (let round = 0; round < rounds.held; round++) {
    clock.advance(250)
    timed(lookedAnew, () => router.changed())
  }
  for (let round = 0; round < rounds.held && router.waiting > 0; round++) {
    const member = members[round % replicas]
    if (member === undefined) break
    member.sequencesMax = member.inFlight + 1
    const before = router.waiting
    const us: number[] = []
    timed(us, () => router.changed())
    if (router.waiting === before - 1) lookedWithRoom.push(...us)
    member.sequencesMax = 1
  }
  return {
    held: workOf(held),
    waiting: waitingCalls,
    looked: workOf(looked),
    lookedAnew: workOf(lookedAnew),
    lookedWithRoom: workOf(lookedWithRoom),
  }
}

function timed(times: number[], action: () => unknown): void {
  times.push(cpuOf(action))
}

function workOf(times: readonly number[]): Work {
  return { each: timesOf(times), rounds: roundsOf(times, roundsEach) }
}
