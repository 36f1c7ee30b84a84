import type { AdapterSlots } from './adapter-slots.ts'
import type { EngineCall } from './engine-call.ts'
import type { Holdings } from './holdings.ts'
import { Sequence, type Steps } from './sequence.ts'
import { WaitingLine } from './waiting-line.ts'

interface EntranceParts {
  readonly holdings: Holdings
  readonly adapters: AdapterSlots
  readonly scheduling: 'fcfs' | 'priority'
}

/** Who waits, and who of them may run next. */
export class Entrance {
  readonly #holdings: Holdings
  readonly #adapters: AdapterSlots
  readonly #isFcfs: boolean
  readonly #line = new WaitingLine()
  /** What the waiting lack, and how much had changed when it was found out. */
  #lack: 'nothing' | 'blocks' | 'adapters' = 'nothing'
  #lackedAt = 0
  /** Those in front for whose adapter this plan has no slot. */
  #skipped = 0
  #arrivals = 0
  #returns = 0
  #plans = 0
  #unseen = 0

  constructor({ holdings, adapters, scheduling }: EntranceParts) {
    this.#holdings = holdings
    this.#adapters = adapters
    this.#isFcfs = scheduling === 'fcfs'
  }

  get waiting(): number {
    return this.#line.length
  }

  /** Waiting sequences that the last plan looked at. */
  get passedOver(): number {
    return this.#line.length - this.#unseen
  }

  enter(call: EngineCall, steps: Steps): Sequence {
    const priority = this.#isFcfs ? 0 : call.priority
    const place = { priority, arrival: this.#arrivals, plans: this.#plans }
    const sequence = new Sequence(call, steps, place)
    this.#arrivals += 1
    this.#unseen += 1
    const isLast = this.#line.enter(sequence)
    // One that comes last changes nothing for a head that lacks blocks.
    if (!isLast || this.#lack === 'adapters') this.#lack = 'nothing'
    return sequence
  }

  /** A preempted one is the head of the line, or where its priority puts it. */
  enterAgain(sequence: Sequence): void {
    if (this.#isFcfs) {
      this.#returns += 1
      sequence.arrival = -this.#returns
    }
    this.#line.enter(sequence)
    this.#lack = 'nothing'
  }

  withdraw(sequence: Sequence): void {
    this.#line.leave(sequence)
    if (sequence.plans === this.#plans) this.#unseen -= 1
    this.#lack = 'nothing'
  }

  /** Empties the line; gives who was there. */
  clear(): readonly Sequence[] {
    this.#unseen = 0
    this.#lack = 'nothing'
    return this.#line.clear()
  }

  /** A plan begins: whoever waits is looked at. */
  begin(): void {
    this.#plans += 1
    this.#unseen = 0
    this.#skipped = 0
  }

  /**
   * Takes the next of the line, holding the blocks found for it. Who has no adapter slot is skipped;
   * the first that does not fit holds back all behind it, small ones too. Room for all it must
   * compute is asked for (vLLM's scheduler_reserve_full_isl), though it is taken chunk by chunk.
   */
  admit(): Sequence | undefined {
    if (this.#lack !== 'nothing' && this.#lackedAt === this.#changes(this.#lack)) return undefined
    for (;;) {
      const sequence = this.#line.at(this.#skipped)
      if (sequence === undefined) {
        if (this.#skipped > 0) this.#stop('adapters')
        return undefined
      }
      if (!this.#adapters.hasRoom(sequence.call.adapter)) {
        this.#skipped += 1
        continue
      }
      if (!this.#holdings.holdFound(sequence, sequence.call.promptTokens + sequence.generated)) {
        this.#stop('blocks')
        return undefined
      }
      this.#line.leave(sequence)
      return sequence
    }
  }

  /** No look-ups in later plans until something has changed. */
  #stop(lack: 'blocks' | 'adapters'): void {
    this.#lack = lack
    this.#lackedAt = this.#changes(lack)
  }

  #changes(lack: 'blocks' | 'adapters'): number {
    const { releases, namings } = this.#holdings
    return lack === 'adapters' ? releases : releases + namings
  }
}
