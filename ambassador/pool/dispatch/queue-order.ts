import type { Clock } from '#shared/call/clock.ts'

/** 2026-01-01. */
const epochMs = 1_767_225_600_000
/**
 * Milliseconds of an own work or of an age that counts as it, in one step of the number: a prompt of some
 * 150 tokens. With an ageing of 0.05 the numbers stay below 2^31, which is all that some keep, for 13
 * years after the epoch, and whole ones for millions.
 */
const stepMs = 10

/** How far each clock is behind the common one: as it was first seen, so that no number ever goes back. */
const behind = new WeakMap<TwoClocks, number>()

type TwoClocks = Pick<Clock, 'now' | 'wall'>

/**
 * The numbers that replicas are told as vLLM's `priority`: smaller is sooner. Those of all processes that
 * share replicas count from one instant, by the wall clock of each when it began, so that a call is as old
 * to a replica as it is; wrong by as much as their hosts' clocks differ, times the ageing.
 */
export class QueueOrder {
  readonly #behindMs: number

  constructor(clock: TwoClocks) {
    const known = behind.get(clock)
    this.#behindMs = known ?? clock.wall() - epochMs - clock.now()
    behind.set(clock, this.#behindMs)
  }

  /** An instant of the process's clock in milliseconds since the epoch. */
  commonMs(nowMs: number): number {
    return nowMs + this.#behindMs
  }

  /** Of a key in milliseconds in which instants are common ones. A whole number. */
  priorityOf(keyMs: number): number {
    return Math.round(keyMs / stepMs)
  }
}
