import { EventEmitter } from 'node:events'
import CircuitBreaker from 'opossum'
import type { Clock } from '#shared/call/clock.ts'
import type { BreakerLimits } from '#shared/config/resilience-schema.ts'

/** Closed: calls flow. Open: none does. Half-open: one probe does. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** The end of one call that was let through, as opossum shall see it. Once, or never. */
export interface Verdict {
  resolve(): void
  reject(): void
}

/** Shares are counted in tenths of the window. */
const buckets = 10

/** opossum only counts failures; what failed stands beside it. */
const failure = new Error('failed')

/** opossum's circuit in our words: the one place that knows the library. */
export class Circuit {
  readonly #circuit: CircuitBreaker<[Promise<void>], void>
  readonly #clock: Clock
  readonly #rotation = new EventEmitter()
  readonly #bucketMs: number
  #rotatedMs: number

  /** `onChange` runs at every change of state, after it. */
  constructor(clock: Clock, limits: BreakerLimits, onChange: (state: BreakerState) => void) {
    this.#clock = clock
    this.#bucketMs = limits.window / buckets
    this.#rotatedMs = clock.now()
    this.#circuit = new CircuitBreaker((verdict: Promise<void>) => verdict, {
      // A stream may flow for an hour; our own limits end what hangs.
      timeout: false,
      resetTimeout: limits.reset,
      // opossum opens above it, not at it.
      errorThresholdPercentage: limits.errorPercent,
      // Its default of 0 opens at the first failure.
      volumeThreshold: limits.volume,
      rollingCountTimeout: limits.window,
      rollingCountBuckets: buckets,
      // Latencies are our metrics' matter: no sorting.
      rollingPercentilesEnabled: false,
      // Turned when it is next looked at: an interval per breaker would wake the process for none.
      rotateBucketController: this.#rotation,
      // A second interval, for listeners that there are none of.
      enableSnapshots: false,
      // A call of an earlier state never settles, so places would be lost; admission bounds calls.
      capacity: Number.MAX_SAFE_INTEGER,
      // What it accepts counts as a success and closes a half-open circuit: such calls never settle.
      errorFilter: () => false,
      // It would ignore every failure of the first window.
      allowWarmUp: false,
      enabled: true,
      cache: false,
      coalesce: false,
      autoRenewAbortController: false,
      // Names draw random ids where they are absent.
      name: 'provider',
      group: 'provider',
    })
    this.#circuit.on('open', () => onChange('open'))
    this.#circuit.on('halfOpen', () => onChange('half-open'))
    this.#circuit.on('close', () => {
      // Failures of before the outage's end would open it again at the first new one.
      this.#rotate(buckets)
      onChange('closed')
    })
  }

  /** Whether `fire` would let a call through. */
  get isPassable(): boolean {
    return this.#circuit.closed || this.#circuit.pendingClose
  }

  /** Lets a call through. Only while passable. */
  fire(): Verdict {
    this.#rotateDue()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#circuit.fire(promise).catch(ignore)
    return {
      resolve,
      reject: () => {
        this.#rotateDue()
        reject(failure)
      },
    }
  }

  /** Opens it, or opens it again where a probe came to nothing. */
  open(): void {
    this.#circuit.open()
  }

  /** Undoes its timer and listeners; it is not used afterwards. */
  shutdown(): void {
    this.#circuit.shutdown()
    this.#rotation.removeAllListeners()
  }

  #rotateDue(): void {
    const due = Math.floor((this.#clock.now() - this.#rotatedMs) / this.#bucketMs)
    if (due <= 0) return
    this.#rotatedMs += due * this.#bucketMs
    this.#rotate(Math.min(due, buckets))
  }

  #rotate(times: number): void {
    for (let step = 0; step < times; step++) this.#rotation.emit('rotate')
  }
}

/** opossum's promise repeats the verdict we gave ourselves. */
function ignore(): void {}
