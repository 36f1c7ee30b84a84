import { readFileSync } from 'node:fs'
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'

/** How long turns of the event loop took, in milliseconds. */
export interface LoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What one kind of garbage collection has done since the measuring began. */
export interface Collections {
  readonly runs: number
  readonly seconds: number
}

const kinds: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak-callbacks'],
])

/** Delays are of the last one or two minutes: a maximum of last week says nothing of today. */
const delayWindowMs = 60_000

/**
 * Measures this process: turns of its event loop and garbage collections. Neither needs a timer, the
 * loop is sampled once each turn; nothing runs before {@link start}.
 */
class ProcessHealth {
  readonly #delay = monitorEventLoopDelay({ samplePerIteration: true })
  readonly #collections = new Map<string, Collections>()
  #isOn = false
  #windowMs = 0
  #before: LoopDelay = { p50: 0, p99: 0, max: 0 }

  /** Does nothing where it runs already. */
  start(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#windowMs = performance.now()
    this.#delay.enable()
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        this.#collected('detail' in entry ? entry.detail : undefined, entry.duration)
      }
    })
    observer.observe({ entryTypes: ['gc'] })
  }

  /** All zero before the first turn that was measured. */
  loopDelay(): LoopDelay {
    this.start()
    const now = this.#read()
    if (performance.now() - this.#windowMs > delayWindowMs) {
      this.#windowMs = performance.now()
      this.#delay.reset()
      this.#before = now
      return now
    }
    const { p50, p99, max } = this.#before
    return { p50: now.p50 || p50, p99: Math.max(now.p99, p99), max: Math.max(now.max, max) }
  }

  /** By kind: `minor`, `major`, `incremental`, `weak-callbacks`; those that have happened. */
  collections(): ReadonlyMap<string, Collections> {
    this.start()
    return this.#collections
  }

  #read(): LoopDelay {
    const delay = this.#delay
    if (delay.count === 0) return { p50: 0, p99: 0, max: 0 }
    return {
      p50: delay.percentile(50) / 1e6,
      p99: delay.percentile(99) / 1e6,
      max: delay.max / 1e6,
    }
  }

  #collected(detail: unknown, durationMs: number): void {
    const code = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : 0
    const kind = kinds.get(Number(code)) ?? 'minor'
    const { runs, seconds } = this.#collections.get(kind) ?? { runs: 0, seconds: 0 }
    this.#collections.set(kind, { runs: runs + 1, seconds: seconds + durationMs / 1e3 })
  }
}

export const processHealth = new ProcessHealth()

/** Bytes of memory that belong to no file; undefined where the system does not say. Linux alone does. */
export function anonymousBytes(): number | undefined {
  try {
    // Not smaps_rollup: that one walks every page of the process.
    const [, kibibytes] =
      /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024
  } catch {
    // There is no such file elsewhere.
    return undefined
  }
}

/** What the event loop waits for, by kind and how many: sockets, timers, requests. */
export function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
