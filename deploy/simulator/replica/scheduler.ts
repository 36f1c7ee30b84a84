import assert from 'node:assert/strict'
import { AdapterSlots } from './adapter-slots.ts'
import type { Batch } from './batch.ts'
import { DueRing } from './due-ring.ts'
import type { EngineCall } from './engine-call.ts'
import type { EngineOptions } from './engine-options.ts'
import { Entrance } from './entrance.ts'
import { Holdings } from './holdings.ts'
import { Running } from './running.ts'
import type { Sequence, Steps } from './sequence.ts'

type Rules = Omit<EngineOptions, 'clock' | 'stepTime' | 'speed' | 'adapterLoadMs'>

/** What the last step did, for those who are to be told; valid until the next. */
interface Outcome {
  readonly first: Sequence[]
  /** Got a token and want to know of each. */
  readonly spoke: Sequence[]
  readonly finished: Sequence[]
}

/**
 * The rules of a step, as those of vLLM's v1 scheduler, without time: `plan` decides what a step
 * computes, `complete` is its end. Between two ends a sequence that decodes is not looked at unless
 * it needs a block, completes one that has a key, or has its last token, so a step that only decodes
 * costs O(1).
 */
export class Scheduler implements Steps {
  readonly holdings: Holdings
  readonly adapters: AdapterSlots
  readonly outcome: Outcome = { first: [], spoke: [], finished: [] }
  /** Admitted for the first time by the last plan. */
  readonly admitted: Sequence[] = []
  readonly #batch = {
    decoding: 0,
    contextTokens: 0,
    activeShare: 0,
    chunks: 0,
    starts: [0],
    tokens: [0],
  }
  readonly #sequencesMax: number
  readonly #stepTokensMax: number
  readonly #scheduling: 'fcfs' | 'priority'
  readonly #entrance: Entrance
  readonly #running = new Running()
  readonly #ring: DueRing
  readonly #due: Sequence[] = []
  /** Whose chunks the step computes. */
  readonly #prefilling: Sequence[] = []
  #budget = 0
  #hasPreempted = false
  steps = 0
  preemptions = 0
  /** Adapters that the planned step loads. */
  loads = 0
  promptTokens = 0
  cachedTokens = 0
  generatedTokens = 0

  constructor(options: Rules) {
    const { blocks, blockTokens, sequencesMax = 256, stepTokensMax = 8_192 } = options
    assert(stepTokensMax >= sequencesMax, 'Cannot make an engine: stepTokensMax < sequencesMax')
    assert(blocks > 0 && blockTokens > 0 && sequencesMax > 0 && options.adapterSlots !== 0)
    this.holdings = new Holdings(blocks, blockTokens)
    this.adapters = new AdapterSlots(options.adapterSlots)
    this.#sequencesMax = sequencesMax
    this.#stepTokensMax = stepTokensMax
    this.#scheduling = options.scheduling ?? 'fcfs'
    const { holdings, adapters } = this
    this.#entrance = new Entrance({ holdings, adapters, scheduling: this.#scheduling })
    this.#ring = new DueRing(2 * blockTokens + 4)
  }

  get running(): number {
    return this.#running.length
  }

  get waiting(): number {
    return this.#entrance.waiting
  }

  /** Waiting calls that the last plan looked at. */
  get passedOver(): number {
    return this.#entrance.passedOver
  }

  submit(call: EngineCall): Sequence {
    const { promptTokens, keys, outputTokens } = call
    const { pool, blockTokens } = this.holdings
    assert(promptTokens >= 1 && outputTokens >= 1, 'Cannot submit a call: it has no tokens')
    // vLLM does not start with a max_model_len that does not fit; such a call would wait for ever.
    assert(
      promptTokens + outputTokens - 1 <= pool.size * blockTokens,
      'Cannot submit a call: larger than the cache',
    )
    const full = Math.floor(promptTokens / blockTokens)
    assert(keys.length === full, `Cannot submit a call: ${keys.length} keys for ${full} blocks`)
    return this.#entrance.enter(call, this)
  }

  cancel(sequence: Sequence): void {
    const { state } = sequence
    if (state === 'finished' || state === 'gone') return
    if (state !== 'waiting') {
      this.#leave(sequence, 'gone')
      return
    }
    this.#entrance.withdraw(sequence)
    sequence.leave('gone')
  }

  /** All calls are gone, the cache is empty; gives who was there, the running first. */
  clear(): readonly Sequence[] {
    const lost = [...this.#running.all, ...this.#entrance.clear()]
    for (const sequence of lost) {
      if (sequence.state !== 'waiting') this.#leave(sequence, 'gone')
      else sequence.leave('gone')
    }
    this.holdings.pool.clear()
    this.adapters.clear()
    return lost
  }

  /** Decides the next step; there must be a call. The batch is valid until the next plan. */
  plan(): Batch {
    const batch = this.#batch
    const { pool } = this.holdings
    this.#entrance.begin()
    this.#hasPreempted = false
    this.#prefilling.length = 0
    this.admitted.length = 0
    this.loads = 0
    batch.chunks = 0
    this.#ring.take(2 * (this.steps + 1), this.#due)
    for (const sequence of this.#due) {
      // Another's need may have preempted it a moment ago.
      if (sequence.state === 'decoding') this.#grow(sequence)
    }
    this.#budget = this.#stepTokensMax - batch.decoding
    const last = this.#running.newest
    // Only the newest can be in the middle of its prompt: no one is admitted behind a cut chunk.
    if (last?.state === 'prefilling') this.#continue(last)
    if (!this.#hasPreempted) this.#admitAll()
    assert(batch.decoding + batch.chunks > 0, 'A step computes something')
    batch.activeShare = pool.used / pool.size
    return batch
  }

  /** The end of the planned step. */
  complete(): Outcome {
    const { first, spoke, finished } = this.outcome
    const batch = this.#batch
    this.steps += 1
    first.length = 0
    spoke.length = 0
    this.#ring.take(2 * this.steps + 1, finished)
    batch.contextTokens += batch.decoding
    this.generatedTokens += batch.decoding
    for (const sequence of this.#prefilling) {
      if (sequence.state === 'prefilling' && sequence.computed === sequence.target) {
        this.#prefilled(sequence)
      }
    }
    if (this.#running.watchers > 0) {
      for (const sequence of this.#running.all) {
        const { sink } = sequence.call
        if (sequence.state === 'decoding' && sink.tokens !== undefined) spoke.push(sequence)
      }
    }
    for (const sequence of finished) this.#leave(sequence, 'finished')
    return this.outcome
  }

  /** A decoding sequence computes a token that begins a block, or completes one. */
  #grow(sequence: Sequence): void {
    const context = sequence.call.promptTokens + sequence.generated
    if (!this.#makeRoom(sequence, context)) return
    this.holdings.extend(sequence, context)
    this.#await(sequence, context + 1)
  }

  /** The next chunk of a prompt that did not fit into a step. */
  #continue(sequence: Sequence): void {
    const tokens = Math.min(this.#budget, sequence.target - sequence.computed)
    if (this.#makeRoom(sequence, sequence.computed + tokens)) this.#compute(sequence, tokens)
  }

  #admitAll(): void {
    while (this.#budget > 0 && this.#running.length < this.#sequencesMax) {
      const sequence = this.#entrance.admit()
      if (sequence === undefined) return
      this.#admit(sequence)
    }
  }

  #admit(sequence: Sequence): void {
    const { promptTokens, adapter } = sequence.call
    this.#running.enter(sequence)
    if (this.adapters.enter(adapter)) this.loads += 1
    sequence.state = 'prefilling'
    sequence.computed = sequence.blockCount * this.holdings.blockTokens
    sequence.target = promptTokens + sequence.generated
    if (!sequence.hasBeenScheduled) {
      sequence.hasBeenScheduled = true
      sequence.cachedTokens = sequence.computed
      this.promptTokens += promptTokens
      this.cachedTokens += sequence.computed
      this.admitted.push(sequence)
    }
    this.#compute(sequence, Math.min(this.#budget, sequence.target - sequence.computed))
  }

  /** Plans a chunk. Its full blocks are shared at once: calls behind it in this plan find them. */
  #compute(sequence: Sequence, tokens: number): void {
    const batch = this.#batch
    batch.starts[batch.chunks] = sequence.computed
    batch.tokens[batch.chunks] = tokens
    batch.chunks += 1
    this.#prefilling.push(sequence)
    this.#budget -= tokens
    sequence.computed += tokens
    this.holdings.extend(sequence, sequence.computed)
  }

  /** The prompt, or what was to be recomputed, is in the cache: a token comes out. */
  #prefilled(sequence: Sequence): void {
    const { promptTokens, outputTokens } = sequence.call
    const generated = sequence.generated + 1
    sequence.decode(generated)
    this.#batch.decoding += 1
    this.#batch.contextTokens += promptTokens + generated
    this.generatedTokens += 1
    if (!sequence.hasFirstToken) this.outcome.first.push(sequence)
    sequence.hasFirstToken = true
    if (generated === outputTokens) this.outcome.finished.push(sequence)
    else this.#await(sequence, promptTokens + generated)
  }

  /** Puts a decoding sequence where the ring has it next; token `context` is the next it computes. */
  #await(sequence: Sequence, context: number): void {
    const size = this.holdings.blockTokens
    const begins = Math.ceil((context - 1) / size) * size + 1
    const isKeyed = sequence.named < sequence.keyCount
    const at = isKeyed ? Math.min(begins, (sequence.named + 1) * size) : begins
    const step = sequence.stepOf(at)
    const last = sequence.lastStep
    this.#ring.add(sequence, step <= last ? 2 * step : 2 * last + 1)
  }

  /**
   * Preempts until `tokens` tokens of `sequence` fit; false where it had to go itself. Those behind
   * it then still take their token, where vLLM leaves them out of that one step (by priority only).
   */
  #makeRoom(sequence: Sequence, tokens: number): boolean {
    while (this.holdings.missing(sequence, tokens) > this.holdings.pool.free) {
      const running = this.#running
      const victim = this.#scheduling === 'fcfs' ? running.newest : running.least
      if (victim === undefined) return false
      this.#preempt(victim)
      if (victim === sequence) return false
    }
    return true
  }

  #preempt(sequence: Sequence): void {
    const { promptTokens } = sequence.call
    if (sequence.state === 'decoding') {
      this.holdings.nameOwn(sequence, promptTokens + sequence.generated - 1)
    }
    this.#leave(sequence, 'waiting')
    this.#entrance.enterAgain(sequence)
    this.preemptions += 1
    this.#hasPreempted = true
  }

  /** Out of the running, with its blocks. */
  #leave(sequence: Sequence, state: 'waiting' | 'finished' | 'gone'): void {
    if (sequence.state === 'decoding') {
      this.#ring.remove(sequence)
      this.#batch.decoding -= 1
      this.#batch.contextTokens -= sequence.call.promptTokens + sequence.generated
    }
    this.holdings.release(sequence)
    this.#running.leave(sequence)
    this.adapters.leave(sequence.call.adapter)
    sequence.leave(state)
  }
}
