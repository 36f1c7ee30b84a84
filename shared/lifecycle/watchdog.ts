import type { Clock } from '#shared/call/clock.ts'
import type { Log, LogFields } from '#shared/telemetry/access-log.ts'
import { processHealth } from '#shared/telemetry/process-health.ts'

/** Finds what the process has been doing. */
export interface Locator {
  /** The functions in which most of the last `ms` milliseconds passed, the busiest first. */
  busiest(ms: number): readonly string[]
  stop(): void
}

interface WatchdogParts {
  readonly clock: Clock
  readonly log: Log
  /** What else is told: calls in flight. */
  readonly facts: () => LogFields
  /** CPU time of this process, user and system, in milliseconds. */
  readonly cpuMs?: () => number
  /** Loads what finds the place: it watches all the time, so only where it is wanted. */
  readonly locate?: () => Promise<Locator>
}

/** The key `diagnostics` as far as it is about a blocked event loop. Times in ms. */
export interface WatchdogConfig {
  readonly blockedAfter: number
  readonly locateBlocks: boolean
}

/** From one look to the next, in milliseconds: four system calls a second. */
const periodMs = 250
/** At most one line in this time, in milliseconds; those left out are counted in the next. */
const quietMs = 10_000

/**
 * Says afterwards how long the event loop was blocked and by what. While it is blocked nothing in this
 * thread can speak, and a probe goes unanswered, which the kubelet notices by its timeout.
 */
export class Watchdog {
  readonly #parts: WatchdogParts
  #config: WatchdogConfig = { blockedAfter: Infinity, locateBlocks: false }
  #undo: () => void = () => {}
  #dueMs = 0
  #cpuMs = 0
  #gcMs = 0
  #saidMs = -Infinity
  #unsaid = 0
  #locator: Locator | undefined
  #isClosed = false

  constructor(parts: WatchdogParts) {
    this.#parts = parts
  }

  apply(config: WatchdogConfig): void {
    const before = this.#config
    this.#config = config
    if (before.blockedAfter === Infinity) this.#look()
    if (config.locateBlocks !== before.locateBlocks) void this.#turn(config.locateBlocks)
  }

  close(): void {
    this.#isClosed = true
    this.#undo()
    this.#locator?.stop()
  }

  async #turn(isOn: boolean): Promise<void> {
    this.#locator?.stop()
    this.#locator = undefined
    if (!isOn) return
    const locator = await this.#parts.locate?.()
    if (this.#isClosed || !this.#config.locateBlocks) locator?.stop()
    else this.#locator = locator
  }

  #look(): void {
    const { clock } = this.#parts
    this.#dueMs = clock.now() + periodMs
    this.#cpuMs = this.#cpu()
    this.#gcMs = collectedMs()
    this.#undo = clock.after(periodMs, () => {
      const lateMs = clock.now() - this.#dueMs
      if (lateMs >= this.#config.blockedAfter) this.#blocked(lateMs)
      this.#look()
    })
  }

  #blocked(blockedMs: number): void {
    const { clock, log, facts } = this.#parts
    if (clock.now() - this.#saidMs < quietMs) {
      this.#unsaid++
      return
    }
    this.#saidMs = clock.now()
    const cpuMs = Math.round(this.#cpu() - this.#cpuMs)
    const gcMs = Math.round(collectedMs() - this.#gcMs)
    const by = causeOf(blockedMs, cpuMs, gcMs)
    const where = by === 'code' ? this.#locator?.busiest(blockedMs) : undefined
    const measured = { blockedMs: Math.round(blockedMs), cpuMs, gcMs, by, where }
    log.warn({ ...measured, alsoBlocked: this.#unsaid, ...facts() }, 'the event loop was blocked')
    this.#unsaid = 0
  }

  #cpu(): number {
    const { cpuMs = processCpuMs } = this.#parts
    return cpuMs()
  }
}

/**
 * `code`: something of ours, or of a library; `collection`: of garbage; `not-scheduled`: the machine
 * gave no CPU, so that it was a limit of the container, or a machine that slept.
 */
function causeOf(blockedMs: number, cpuMs: number, gcMs: number): string {
  if (gcMs > blockedMs / 2) return 'collection'
  return cpuMs < blockedMs / 2 ? 'not-scheduled' : 'code'
}

/** What is over: a collection is told of in a later turn, so that the last may be missing. */
function collectedMs(): number {
  let seconds = 0
  for (const collections of processHealth.collections().values()) seconds += collections.seconds
  return seconds * 1e3
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e3
}
