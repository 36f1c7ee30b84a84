import type { Mark } from './gauge.ts'

/** What a header told of the gauge, and the call it came with. */
interface Seen {
  readonly mark: Mark
  readonly remaining: number
  /** False where a refusal came in between: what was refused is not counted. */
  readonly isComparable: boolean
}

/** A header's remainder, seen from the call whose answer it stood in. */
export interface Sighting {
  readonly remaining: number
  /** What refilled between the last sighting and this one; undefined where that cannot be said. */
  readonly refilled: number | undefined
  /** Rounding of the remainder. */
  readonly quantum: number
}

/** Of how many calls the learned figures remember. */
const memory = 100
/** Share of an estimate that its error is believed to be before any was measured. */
const firstSpread = 0.2
/** An error beyond three times the charge is somebody else's use, not an estimate's. */
const outlierSquares = 9
/** How far a provider's counting may be off ours before it is another rule, or another user. */
const ratioBounds = { least: 0.4, most: 3 }
/** Normal deviations kept in reserve: one call in 700 is worse. */
const deviations = 3

/**
 * What was taken of one gauge, in the order it was sent, and how it compares to what the provider
 * then counted: a header describes the moment at which its own call was let in, so calls sent since
 * are not in it. Every verb is O(1).
 */
export class ChargeBook {
  #order = 0
  #sum = 0
  #raw = 0
  #squares = 0
  #inFlight = 0
  #pending = 0
  #ended = 0
  #seen: Seen | undefined
  /** Sums over the calls remembered; empty until the first comparison. */
  #counted = 0
  #guessed = 0
  #errors = 0
  #errorSquares = 0
  #largest = 0

  /** Reserved by calls in flight. */
  get pending(): number {
    return this.#pending
  }

  /** What the calls came to that ended since that of `mark` was sent. */
  endedSince(mark: Mark): number {
    return this.#ended - mark.ended
  }

  /** What the provider counts for each unit of ours. */
  get ratio(): number {
    if (this.#guessed === 0) return 1
    const { least, most } = ratioBounds
    return Math.min(Math.max(this.#counted / this.#guessed, least), most)
  }

  take(raw: number, nowMs: number): Mark {
    const amount = raw * this.ratio
    this.#sum += amount
    this.#raw += raw
    this.#squares += amount * amount
    this.#largest = Math.max(amount, this.#largest * (1 - 1 / memory))
    const mark = {
      sentMs: nowMs,
      order: ++this.#order,
      amount,
      sum: this.#sum,
      raw: this.#raw,
      squares: this.#squares,
      pending: this.#pending,
      ended: this.#ended,
      inFlight: this.#inFlight++,
    }
    this.#pending += amount
    return mark
  }

  /** The call of `mark` came to `amount`. */
  end(mark: Mark, amount: number): void {
    this.#inFlight--
    this.#pending = this.#inFlight === 0 ? 0 : this.#pending - mark.amount
    this.#ended += amount
  }

  /** Something changed at the provider too, at this moment. */
  correct(delta: number): void {
    this.#sum += delta
    this.#raw += delta
  }

  /** Whether a sighting of `mark` is later than what is known: answers overtake each other. */
  isLater(mark: Mark): boolean {
    return this.#seen === undefined || mark.order > this.#seen.mark.order
  }

  /** Whether a header has told what was left once the provider had seen the call of `mark`. */
  hasSeen(mark: Mark): boolean {
    return !this.isLater(mark)
  }

  /** Taken since the call of `mark` was sent. */
  since(mark: Mark): number {
    return this.#sum - mark.sum
  }

  /** A call that overtakes another on the way does not know of it: the largest of late. */
  get largest(): number {
    return this.#largest
  }

  /** What to keep in reserve for errors of estimate in `amount` and in all that no header covers. */
  margin(amount: number): number {
    const unseen = this.#squares - (this.#seen?.mark.squares ?? 0)
    const spread =
      this.#errorSquares === 0 ? firstSpread : Math.sqrt(this.#errors / this.#errorSquares)
    return deviations * spread * Math.sqrt(Math.max(0, unseen) + amount * amount)
  }

  /** Compares what the provider counted since the last sighting with what we took. */
  see(mark: Mark, { remaining, refilled, quantum }: Sighting): void {
    const last = this.#seen
    // A remainder of 0 may hide a debt.
    this.#seen = { mark, remaining, isComparable: remaining > 0 }
    if (last === undefined || refilled === undefined) return
    if (!last.isComparable || remaining === 0) return
    const counted = last.remaining + refilled - remaining
    const guessed = mark.raw - last.mark.raw
    const squares = mark.squares - last.mark.squares
    if (guessed <= 0 || squares <= 0 || counted < -quantum) return
    const calls = mark.order - last.mark.order
    if (this.#guessed === 0) this.#begin(guessed / calls, squares / calls)
    const error = counted - guessed * this.ratio
    const rounding = quantum > 1 ? quantum ** 2 / 6 : 0
    const kept = Math.max(0, 1 - calls / memory)
    this.#counted = this.#counted * kept + counted
    this.#guessed = this.#guessed * kept + guessed
    const square = Math.min(Math.max(0, error ** 2 - rounding), outlierSquares * squares)
    this.#errors = this.#errors * kept + square
    this.#errorSquares = this.#errorSquares * kept + squares
  }

  /** As if half of what is remembered had been as guessed. */
  #begin(guessed: number, squares: number): void {
    this.#counted = (guessed * memory) / 2
    this.#guessed = this.#counted
    this.#errorSquares = (squares * memory) / 2
    this.#errors = this.#errorSquares * firstSpread ** 2
  }

  /** What was refused is not counted, so the next sighting cannot be compared with the last. */
  interrupt(): void {
    if (this.#seen !== undefined) this.#seen = { ...this.#seen, isComparable: false }
  }

  /** The last remainder told, where it can be compared with the next. */
  get lastSeen(): Seen | undefined {
    return this.#seen
  }
}
