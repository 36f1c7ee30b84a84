import type { PoolCall } from '../dispatch/pool-call.ts'
import type { PrefixIndex } from '../prefix/prefix-index.ts'
import type { Gauges } from '../signals/gauges.ts'
import type { Entry } from './entry.ts'
import { KvForecast } from './kv-forecast.ts'
import { OutputLengths } from './output-lengths.ts'
import { Reading, stallMs } from './reading.ts'
import { ReplicaBook } from './replica-book.ts'

interface LedgerParts {
  readonly now: () => number
  readonly index: PrefixIndex
  /** Tokens in a block of the index. */
  readonly blockTokens: number
}

/** No context is longer: a replica that says more would leave nothing of the other counts. */
const generatedMax = 10_000_000

/** What a call is expected to take where it goes. */
export interface Expectation {
  readonly uncachedTokens: number
  readonly plainMs: number
}

/**
 * The work in flight, of all replicas: the one owner of every count. A call is entered when it is
 * sent and leaves exactly once; what it held of the prefix index leaves with it.
 */
export class Ledger {
  readonly #parts: LedgerParts
  readonly #books: (ReplicaBook | undefined)[] = []
  readonly #forecasts: (KvForecast | undefined)[] = []
  readonly #lengths = new OutputLengths()

  constructor(parts: LedgerParts) {
    this.#parts = parts
  }

  book(slot: number): ReplicaBook {
    return (this.#books[slot] ??= new ReplicaBook())
  }

  /** The replica has left, or has come back: its calls end without a trace, and its speed is unknown. */
  forget(slot: number): void {
    for (const entry of this.#books[slot]?.entries ?? []) this.end(entry)
    this.#books[slot] = undefined
  }

  send(call: PoolCall, slot: number, expected: Expectation): Entry {
    const { now, index } = this.#parts
    const entry: Entry = {
      call,
      slot,
      sentMs: now(),
      uncachedTokens: expected.uncachedTokens,
      plainMs: expected.plainMs,
      hold: index.hold(call.chain, slot),
      adapter: call.adapter === '' ? 'there' : 'unknown',
      firstTokenMs: undefined,
      contentMs: undefined,
      state: 'prefill',
      generated: 0,
      isCounted: false,
      mayGoOn: undefined,
      reading: new Reading(),
      tailBlocks: this.#tailOf(call, 0),
    }
    const book = this.book(slot)
    book.add(entry)
    index.reserve(slot, book.tailBlocks)
    return entry
  }

  /** The replica is given the call’s adapter first: the call is no work of it until it has it. */
  lacksAdapter(entry: Entry): void {
    if (entry.state !== 'prefill' || entry.adapter === 'loading') return
    entry.adapter = 'loading'
    this.book(entry.slot).putOff(entry)
  }

  /** It has it, or could not be given it: a call that was put off goes out. */
  hasAdapter(entry: Entry): void {
    const wasPutOff = entry.state === 'prefill' && entry.adapter === 'loading'
    entry.adapter = 'there'
    if (!wasPutOff) return
    entry.sentMs = this.#parts.now()
    this.book(entry.slot).goesOut(entry)
  }

  /** Of a call whose reader stalled before, nobody knows when its first token came. */
  firstToken(entry: Entry): void {
    const nowMs = this.#parts.now()
    if (entry.reading.stalledMs(nowMs) >= stallMs) this.presumeFirstToken(entry)
    if (entry.state !== 'prefill') return
    entry.state = 'decode'
    this.book(entry.slot).firstToken(entry, nowMs)
  }

  /** The first content of it has been seen; its first token may have come long before. */
  firstContent(entry: Entry): void {
    this.firstToken(entry)
    entry.contentMs ??= this.#parts.now()
  }

  /** Its first token should have come, by the forecast: of an answer that is not seen before its end. */
  presumeFirstToken(entry: Entry): void {
    if (entry.state !== 'prefill') return
    entry.state = 'decode'
    this.book(entry.slot).presumeFirstToken(entry, this.#parts.now())
  }

  /** `generated`: tokens in all, seen so far. */
  streamed(entry: Entry, generated: number): void {
    if (generated > entry.generated) this.counted(entry, generated)
  }

  /** Whoever reads the answer takes no more of it for the time being, or goes on. */
  reads(entry: Entry, how: 'paused' | 'on'): void {
    const nowMs = this.#parts.now()
    if (how === 'paused') entry.reading.pause(nowMs)
    else entry.reading.goOn(nowMs)
  }

  /** `generated`: tokens in all, as the replica has counted them. */
  said(entry: Entry, generated: number): void {
    this.counted(entry, generated)
    entry.isCounted = true
  }

  /** `generated`: tokens in all, whatever was thought before. */
  counted(entry: Entry, generated: number): void {
    if (entry.state === 'ended') return
    entry.generated = Math.min(generated, generatedMax)
    const tail = this.#tailOf(entry.call, entry.generated)
    if (tail === entry.tailBlocks) return
    const book = this.book(entry.slot)
    book.setTail(entry, tail)
    this.#parts.index.reserve(entry.slot, book.tailBlocks)
  }

  /** However it ended. A second time does nothing. */
  end(entry: Entry): void {
    if (entry.state === 'ended') return
    entry.state = 'ended'
    entry.mayGoOn = undefined
    const { now, index } = this.#parts
    if (entry.generated > 0) this.#lengths.add(kindOf(entry.call), entry.generated)
    const book = this.book(entry.slot)
    book.remove(entry, now())
    index.reserve(entry.slot, book.tailBlocks)
    index.release(entry.hold)
  }

  /** KV blocks that live calls hold at a replica, each counted once, corrected by what it says. */
  heldBlocks(slot: number): number {
    return this.#countedBlocks(slot) + this.book(slot).correction.blocks
  }

  /**
   * The replica said that live calls hold `kvUsage` of its blocks, 0 to 1. Where calls wait there, some
   * that have begun may have been stopped and hold nothing: then too little says nothing.
   */
  observe(slot: number, { kvUsage, waiting }: Pick<Gauges, 'kvUsage' | 'waiting'>): void {
    const { index } = this.#parts
    const book = this.book(slot)
    const most = this.#countedBlocks(slot)
    let unscheduled = 0
    for (const entry of book.prefills) {
      unscheduled += index.exclusive(entry.hold) + entry.tailBlocks
    }
    const capacity = index.capacity(slot)
    const least = waiting > 0 ? Number.NEGATIVE_INFINITY : most - unscheduled
    book.correction.observe(kvUsage * capacity, { least, most }, capacity)
    book.isForecast = false
  }

  /** Tokens that a call that has generated so many is expected to generate yet. */
  remaining(call: PoolCall, generated: number): number {
    return this.#lengths.remaining(kindOf(call), generated, call.outputMax)
  }

  /** How the KV use of a replica goes on with what is there. */
  forecast(slot: number): KvForecast {
    const { blockTokens, index } = this.#parts
    const forecast = (this.#forecasts[slot] ??= new KvForecast(blockTokens))
    const book = this.book(slot)
    if (book.isForecast) return forecast
    book.isForecast = true
    const calls = Array.from(book.entries, (entry) => ({
      blocks: index.exclusive(entry.hold) + entry.tailBlocks,
      remaining: this.remaining(entry.call, entry.generated),
    }))
    forecast.build(this.heldBlocks(slot), calls)
    return forecast
  }

  #countedBlocks(slot: number): number {
    return this.#parts.index.live(slot) + this.book(slot).tailBlocks
  }

  #tailOf(call: PoolCall, generated: number): number {
    const { blockTokens } = this.#parts
    return Math.ceil((call.tokens + generated) / blockTokens) - call.chain.length
  }
}

/** Calls whose answers are about as long. */
function kindOf({ tenant, adapter }: PoolCall): string {
  return `${tenant} ${adapter}`
}
