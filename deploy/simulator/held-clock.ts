import type { Clock, Undo } from '#shared/call/clock.ts'

/** A clock whose actions can be put off: time goes on, and what it should have done waits. */
export class HeldClock implements Clock {
  readonly now: Clock['now']
  readonly wall: Clock['wall']
  readonly random: Clock['random']
  readonly id: Clock['id']
  readonly #after: Clock['after']
  readonly #due = new Set<() => void>()
  #isHeld = false

  constructor(clock: Clock) {
    const { now, wall, random, id, after } = clock
    this.now = now
    this.wall = wall
    this.random = random
    this.id = id
    this.#after = after
  }

  readonly after = (delayMs: number, action: () => void): Undo => {
    const run = () => {
      if (this.#isHeld) this.#due.add(run)
      else action()
    }
    const undo = this.#after(delayMs, run)
    return () => {
      undo()
      this.#due.delete(run)
    }
  }

  hold(): void {
    this.#isHeld = true
  }

  /** Goes on with what has become due, in its order. */
  release(): void {
    this.#isHeld = false
    const due = [...this.#due]
    this.#due.clear()
    for (const run of due) run()
  }
}
