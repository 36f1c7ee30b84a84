import { keepNewest } from '#shared/keep-newest.ts'
import type { Refusal } from './refusal.ts'
import type { Workload } from './workload.ts'

/** Pods of a large cluster; about 400 bytes each. */
const verifiedMax = 10_000
const refusedMax = 1_000

interface Entry<Value> {
  readonly value: Value
  readonly untilMs: number
}

/**
 * What is known of tokens, by their digest. Refused ones have a place of their own, so that
 * garbage pushes out no token that was verified. Where it is full the oldest goes, which is verified
 * anew soon anyway.
 */
export class VerifiedTokens {
  readonly #verified = new Map<string, Entry<Workload>>()
  readonly #refused = new Map<string, Entry<Refusal>>()

  verified(digest: string, nowMs: number): Workload | undefined {
    return current(this.#verified, digest, nowMs)
  }

  refused(digest: string, nowMs: number): Refusal | undefined {
    return current(this.#refused, digest, nowMs)
  }

  keepVerified(digest: string, value: Workload, untilMs: number): void {
    keepNewest(this.#verified, [digest, { value, untilMs }], verifiedMax)
  }

  keepRefused(digest: string, value: Refusal, untilMs: number): void {
    keepNewest(this.#refused, [digest, { value, untilMs }], refusedMax)
  }
}

function current<Value>(
  entries: Map<string, Entry<Value>>,
  digest: string,
  nowMs: number,
): Value | undefined {
  const entry = entries.get(digest)
  if (entry === undefined) return undefined
  if (nowMs < entry.untilMs) return entry.value
  entries.delete(digest)
  return undefined
}
