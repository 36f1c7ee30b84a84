import type { Target } from '#shared/config/schema.ts'
import { Outage } from '../fallback/outage.ts'

type Named = Pick<Target, 'provider' | 'model'>

/** Time in which an old measurement fades to a third. */
const fadeMs = 10_000
/** A target that fails counts as slow as this: else the quickest refusal would draw all calls. */
const failureMs = 10_000
/** Targets of a configuration, with room for those of earlier ones. */
const targetsMax = 1_024

/** What this sidecar has seen of one target. */
export class Signal {
  inFlight = 0
  readonly outage: Outage
  #latencyMs = 0
  #seenMs = 0

  constructor(outage = new Outage()) {
    this.outage = outage
  }

  /**
   * Peak EWMA, as Finagle's balancer of that name: a slow answer counts at once, quick ones by and
   * by, and nothing seen fades, so that a target that was slow is tried again.
   */
  observe(latencyMs: number, nowMs: number): void {
    const old = this.#share(nowMs)
    const isPeak = latencyMs > this.#latencyMs
    this.#latencyMs = isPeak ? latencyMs : this.#latencyMs * old + latencyMs * (1 - old)
    this.#seenMs = nowMs
  }

  fail(nowMs: number): void {
    this.observe(failureMs, nowMs)
  }

  /** The call ended before the target answered: it is at least as slow as that. */
  waited(waitedMs: number, nowMs: number): void {
    if (waitedMs > this.#latencyMs * this.#share(nowMs)) this.observe(waitedMs, nowMs)
  }

  /** How long its streams took to begin of late, ms; 0 where nothing is known. */
  latencyMs(nowMs: number): number {
    return this.#latencyMs * this.#share(nowMs)
  }

  /** Milliseconds to wait there, about; 0 for a target that nothing is known of. */
  score(nowMs: number): number {
    // Until the first answer has begun, one call finds out; the others must not follow it.
    if (this.#latencyMs === 0) return failureMs * this.inFlight
    return this.#latencyMs * this.#share(nowMs) * (this.inFlight + 1)
  }

  /** What is left of the weight of the last observation. */
  #share(nowMs: number): number {
    return Math.exp(-(nowMs - this.#seenMs) / fadeMs)
  }
}

/** What this sidecar has seen of its targets; other pods see for themselves. */
export class Signals {
  readonly #signals = new Map<string, Signal>()

  /** To be written to. */
  of(target: Named): Signal {
    const key = keyOf(target)
    const known = this.#signals.get(key)
    if (known !== undefined) return known
    if (this.#signals.size >= targetsMax) this.#signals.clear()
    const signal = new Signal()
    this.#signals.set(key, signal)
    return signal
  }

  /** To be read only: of a target that no call has gone to, nothing. */
  seen(target: Named): Pick<Signal, 'score' | 'latencyMs'> & { readonly inFlight: number } {
    return this.#signals.get(keyOf(target)) ?? nothingSeen
  }

  /** Others that know of the same outages, as of this moment. */
  withOutages(): Signals {
    const signals = new Signals()
    for (const [key, { outage }] of this.#signals) {
      if (outage.untilMs > 0) signals.#signals.set(key, new Signal(outage.copy()))
    }
    return signals
  }

  /** Targets that are passed over at `nowMs`, and for how long still. */
  away(nowMs: number): readonly (Named & { readonly leftMs: number })[] {
    return [...this.#signals].flatMap(([key, { outage }]) => {
      const leftMs = outage.untilMs - nowMs
      const space = key.indexOf(' ')
      const target = { provider: key.slice(0, space), model: key.slice(space + 1) }
      return leftMs > 0 ? [{ ...target, leftMs }] : []
    })
  }

  /** Targets of which something is kept. */
  get size(): number {
    return this.#signals.size
  }
}

const nothingSeen = Object.freeze(new Signal())

/** No name of a provider has a space. */
function keyOf({ provider, model }: Named): string {
  return `${provider} ${model}`
}
