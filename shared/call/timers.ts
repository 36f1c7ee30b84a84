import type { Undo } from './clock.ts'

/** Delays below this many milliseconds are kept exactly, by a timer of their own. */
const coarseFromMs = 1_000

/** Longest delay a node timer keeps: beyond it, it would fire at once. */
const timerMsMax = 2 ** 31 - 1

/**
 * Runs `action` once after `delayMs` unless undone. From a second on up to 1.6 % late: a call sets
 * four such timers and undoes them all, which costs a third here of what node's own take (measured).
 */
export function after(delayMs: number, action: () => void): Undo {
  if (delayMs >= coarseFromMs) return laneFor(delayMs).add(action)
  const timer = setTimeout(action, delayMs)
  return () => clearTimeout(timer)
}

/** Lanes by delay, at most 64 for each doubling of it. */
const lanes = new Map<number, Lane>()

function laneFor(delayMs: number): Lane {
  const step = 2 ** (Math.floor(Math.log2(delayMs)) - 6)
  const laneMs = Math.min(Math.ceil(delayMs / step) * step, timerMsMax)
  let lane = lanes.get(laneMs)
  if (lane === undefined) {
    lane = new Lane(laneMs)
    lanes.set(laneMs, lane)
  }
  return lane
}

interface Entry {
  readonly dueMs: number
  action: (() => void) | undefined
  previous: Entry | undefined
  next: Entry | undefined
}

/** Entries of one delay are due in the order they came: a list, and one node timer for its first. */
class Lane {
  readonly #delayMs: number
  #first: Entry | undefined
  #last: Entry | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  add(action: () => void): Undo {
    const dueMs = performance.now() + this.#delayMs
    const entry: Entry = { dueMs, action, previous: this.#last, next: undefined }
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#arm()
    return () => this.#remove(entry)
  }

  #arm(): void {
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#fire(), this.#delayMs)
    } else if (this.#first === this.#last) this.#timer.ref()
  }

  #remove(entry: Entry): void {
    if (entry.action === undefined) return
    entry.action = undefined
    if (entry.previous === undefined) this.#first = entry.next
    else entry.previous.next = entry.next
    if (entry.next === undefined) this.#last = entry.previous
    else entry.next.previous = entry.previous
    // Whoever keeps its undo would else keep all that were undone behind it, and their calls.
    entry.previous = undefined
    entry.next = undefined
    // The timer stays for the next entry, and must not keep a process alive that has none.
    if (this.#first === undefined) this.#timer?.unref()
  }

  /** Early for its first entry where the one it was set for has been undone: then it is set again. */
  #fire(): void {
    this.#timer = undefined
    const nowMs = performance.now()
    while (this.#first !== undefined && this.#first.dueMs <= nowMs) {
      const { action } = this.#first
      this.#remove(this.#first)
      action?.()
    }
    if (this.#first === undefined) {
      // An action may have filled it again, and armed it.
      if (this.#timer === undefined) lanes.delete(this.#delayMs)
      return
    }
    // One that an action has set is for its own entry, and those before it are due sooner.
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#fire(), Math.max(1, this.#first.dueMs - nowMs))
  }
}
