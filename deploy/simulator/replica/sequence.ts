import type { EngineCall, EngineTicket } from './engine-call.ts'
import type { Keys } from './keyed-blocks.ts'

/** What a sequence asks of its engine. */
export interface Steps {
  /** Steps that have ended. */
  readonly steps: number
  cancel(sequence: Sequence): void
}

interface Place {
  readonly priority: number
  readonly arrival: number
  readonly plans: number
}

const noKeys: readonly number[] = []
const noBlocks = new Int32Array(0)

/** A call inside an engine. */
export class Sequence implements EngineTicket {
  readonly call: EngineCall
  readonly #engine: Steps
  /** `gone`: cancelled, or lost with its engine. */
  state: 'waiting' | 'prefilling' | 'decoding' | 'finished' | 'gone' = 'waiting'
  /** Place in the line: equal priorities run in this order. */
  arrival: number
  readonly priority: number
  /** Place among the running: the order in which they were admitted. */
  admission = -1
  cachedTokens = 0
  hasBeenScheduled = false
  hasFirstToken = false
  /** Plans made before it arrived. */
  readonly plans: number

  /** Block ids, `blockCount` of them valid. */
  blocks: Int32Array = noBlocks
  blockCount = 0
  /** Blocks that carry their key, from the first. */
  named = 0
  /** Keys of blocks that no one else has: made at a preemption, behind those of the call. */
  #ownKeys: number[] | undefined

  /** While prefilling: tokens in the KV cache, those of the planned chunk included. */
  computed = 0
  /** While prefilling: tokens that must be computed before the next token comes out. */
  target = 0

  // Output tokens: a fixed number, or while decoding the steps of the engine plus this.
  #generated = 0

  // The ring's list of one moment.
  due = -1
  nextDue: Sequence | undefined
  previousDue: Sequence | undefined

  constructor(call: EngineCall, engine: Steps, place: Place) {
    this.call = call
    this.#engine = engine
    this.priority = place.priority
    this.arrival = place.arrival
    this.plans = place.plans
  }

  cancel(): void {
    this.#engine.cancel(this)
  }

  get generated(): number {
    return this.state === 'decoding' ? this.#generated + this.#engine.steps : this.#generated
  }

  /** Number of the step at whose end a decoding sequence has all its tokens. */
  get lastStep(): number {
    return this.call.outputTokens - this.#generated
  }

  /** Number of the step that computes token `context` (counted from 1) of a decoding sequence. */
  stepOf(context: number): number {
    return context - this.call.promptTokens - this.#generated + 1
  }

  /** From here on each step gives a token; `generated` are there already. */
  decode(generated: number): void {
    this.state = 'decoding'
    this.#generated = generated - this.#engine.steps
  }

  /** Leaves the running, with what it has generated. */
  leave(state: 'waiting' | 'finished' | 'gone'): void {
    this.#generated = this.generated
    this.state = state
    // A ticket may be kept long after its call.
    if (state !== 'waiting') this.blocks = noBlocks
  }

  /** Number of blocks whose key is known, from the first. */
  get keyCount(): number {
    const { keys, outputKeys } = this.call
    return keys.length + (outputKeys?.length ?? 0) + (this.#ownKeys?.length ?? 0)
  }

  /** The list with the key of block `index`, which is below `keyCount`, and whose its first key is. */
  keysAt(index: number): { readonly keys: Keys; readonly keyed: number } {
    const { keys, outputKeys = noKeys } = this.call
    if (index < keys.length) return { keys, keyed: 0 }
    const output = keys.length + outputKeys.length
    if (index < output) return { keys: outputKeys, keyed: keys.length }
    return { keys: this.#ownKeys ?? noKeys, keyed: output }
  }

  /** Gives the next block without a key one that no other call has. */
  addOwnKey(key: number): void {
    this.#ownKeys ??= []
    this.#ownKeys.push(key)
  }
}
