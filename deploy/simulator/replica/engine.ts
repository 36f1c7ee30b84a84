import assert from 'node:assert/strict'
import type { Clock, Undo } from '#shared/call/clock.ts'
import type { StepTime } from './batch.ts'
import type { EngineCall, EngineTicket } from './engine-call.ts'
import type { EngineOptions } from './engine-options.ts'
import { Scheduler } from './scheduler.ts'
import type { Sequence } from './sequence.ts'

export type { EngineCall, EngineSink, EngineTicket } from './engine-call.ts'
export type { EngineOptions } from './engine-options.ts'

/** What vLLM would render: as of the end of the last step. */
export interface Gauges {
  readonly running: number
  /** Calls that the step looked at and did not admit: those that came during it are not among them. */
  readonly waiting: number
  /** Part of the blocks that live calls hold, 0 to 1; a warm idle cache reads 0. */
  readonly kvUsage: number
  /** Since the engine was made. */
  readonly preemptions: number
}

/**
 * One vLLM engine: a waiting line, a running batch, a prefix cache, and one timer, that of the end of
 * the step. Time comes from the clock, so the same code runs in virtual and in real time.
 *
 * A call for an idle engine begins a step in the next turn of the clock, so that calls of one
 * instant share it; one that comes during a step is seen by the next.
 */
export class Engine {
  /** 1 is as published, 0.5 half as fast; above 0; counts from the next step on. */
  speed: number
  readonly #clock: Clock
  readonly #stepTime: StepTime
  readonly #adapterLoadMs: number
  readonly #scheduler: Scheduler
  // The gauges, as of the last step.
  #lastRunning = 0
  #lastWaiting = 0
  #lastKvUsage = 0
  #lastPreemptions = 0
  #state: 'idle' | 'waking' | 'stepping' | 'telling' | 'closed' = 'idle'
  #undo: Undo | undefined
  readonly #tick = () => this.#onTime()

  constructor(options: EngineOptions) {
    this.#clock = options.clock
    this.#stepTime = options.stepTime
    this.#adapterLoadMs = options.adapterLoadMs ?? 0
    this.#scheduler = new Scheduler(options)
    this.speed = options.speed ?? 1
  }

  /** As of the last step: what a scrape would read. */
  get gauges(): Gauges {
    return {
      running: this.#lastRunning,
      waiting: this.#lastWaiting,
      kvUsage: this.#lastKvUsage,
      preemptions: this.#lastPreemptions,
    }
  }

  /** Running calls, at this moment. */
  get running(): number {
    return this.#scheduler.running
  }

  /** Waiting calls, at this moment. */
  get waiting(): number {
    return this.#scheduler.waiting
  }

  /** Blocks that live calls hold, at this moment. */
  get blocksUsed(): number {
    return this.#scheduler.holdings.pool.used
  }

  /** Part of the blocks that live calls hold, at this moment. */
  get kvUsage(): number {
    return this.#scheduler.holdings.pool.used / this.#scheduler.holdings.pool.size
  }

  /** Steps that have ended. */
  get steps(): number {
    return this.#scheduler.steps
  }

  get preemptions(): number {
    return this.#scheduler.preemptions
  }

  /** Prompt tokens of all calls admitted, each counted once. */
  get promptTokens(): number {
    return this.#scheduler.promptTokens
  }

  /** Those of them that were found in the cache. */
  get cachedTokens(): number {
    return this.#scheduler.cachedTokens
  }

  get generatedTokens(): number {
    return this.#scheduler.generatedTokens
  }

  /** Adapters of running calls. */
  get adapters(): readonly string[] {
    return this.#scheduler.adapters.running
  }

  /** How many leading `keys` would be found at this moment; changes nothing. */
  cachedBlocks(keys: EngineCall['keys']): number {
    const { pool } = this.#scheduler.holdings
    let found = 0
    for (const key of keys) {
      if (pool.find(key) < 0) break
      found += 1
    }
    return found
  }

  /** Queues a call; never refuses. The keys must be one for a full block, and the call must fit alone. */
  submit(call: EngineCall): EngineTicket {
    assert(this.#state !== 'closed', 'Cannot submit a call: the engine is closed')
    const sequence = this.#scheduler.submit(call)
    if (this.#state === 'idle') {
      this.#state = 'waking'
      this.#undo = this.#clock.after(0, this.#tick)
    }
    return sequence
  }

  /** The process dies and is back at once: every call is gone, the cache is empty. */
  crash(): void {
    const lost = this.#scheduler.clear()
    if (this.#state !== 'closed' && this.#state !== 'telling') this.#state = 'idle'
    this.#undo?.()
    this.#undo = undefined
    this.#readGauges()
    for (const { call } of lost) call.sink.lost?.()
  }

  /** As a crash, and for good. */
  close(): void {
    this.#state = 'closed'
    this.crash()
  }

  #onTime(): void {
    this.#undo = undefined
    if (this.#state === 'stepping') {
      const outcome = this.#scheduler.complete()
      this.#readGauges()
      this.#state = 'telling'
      this.#tell(outcome)
    }
    this.#begin()
  }

  #tell({ first, spoke, finished }: Scheduler['outcome']): void {
    for (const sequence of first) if (isThere(sequence)) sequence.call.sink.firstToken()
    for (const sequence of spoke) if (isThere(sequence)) sequence.call.sink.tokens?.(1)
    for (const sequence of finished) sequence.call.sink.finished()
  }

  #begin(): void {
    if (this.#state === 'closed') return
    const scheduler = this.#scheduler
    if (scheduler.running + scheduler.waiting === 0) {
      this.#state = 'idle'
      this.#readGauges()
      return
    }
    const batch = scheduler.plan()
    const ms = this.#stepTime.decodeMs(batch) + this.#stepTime.prefillMs(batch)
    this.#state = 'stepping'
    const loadMs = scheduler.loads * this.#adapterLoadMs
    this.#undo = this.#clock.after(ms / this.speed + loadMs, this.#tick)
    for (const sequence of scheduler.admitted) {
      if (isThere(sequence)) sequence.call.sink.scheduled?.(sequence.cachedTokens)
    }
  }

  #readGauges(): void {
    this.#lastRunning = this.#scheduler.running
    this.#lastWaiting = this.#scheduler.passedOver
    this.#lastKvUsage = this.kvUsage
    this.#lastPreemptions = this.#scheduler.preemptions
  }
}

/** Whether no sink before it in this step has cancelled it. */
function isThere(sequence: Sequence): boolean {
  return sequence.state !== 'gone'
}
