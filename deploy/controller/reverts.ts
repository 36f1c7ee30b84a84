const waitMsMin = 1_000
const waitMsMax = 60_000
/** What stayed for so long was not reverted at once: whoever changes it next begins anew. */
const calmMs = 2 * waitMsMax

interface Writing {
  readonly content: string
  /** On the clock that never goes back, in ms. */
  readonly at: number
  /** From `at` until the same may be written again. */
  readonly waitMs: number
}

/**
 * Slows down whoever is at odds with us: what a tenant, or a tool of its own, reverts again and again
 * is written anew after 1, 2, 4 … 60 s, since each time all its pods are touched. What has changed
 * since is written at once. Times in ms.
 */
export class Reverts {
  readonly #writings = new Map<string, Writing>()

  /** How long it is until `content` may be written to `namespace`; 0 is now. */
  restMs(namespace: string, content: string, nowMs: number): number {
    const last = this.#writings.get(namespace)
    return last?.content === content ? Math.max(0, last.at + last.waitMs - nowMs) : 0
  }

  /** Notes that `content` was written to `namespace`. */
  wrote(namespace: string, content: string, nowMs: number): void {
    const last = this.#writings.get(namespace)
    const isReverted = last?.content === content && nowMs - last.at < calmMs
    const waitMs = isReverted ? Math.min(waitMsMax, last.waitMs * 2) : waitMsMin
    this.#writings.set(namespace, { content, at: nowMs, waitMs })
  }

  /** Forgets what was written so long ago that it tells nothing. */
  sweep(nowMs: number): void {
    for (const [namespace, { at }] of this.#writings) {
      if (nowMs - at >= calmMs) this.#writings.delete(namespace)
    }
  }
}
