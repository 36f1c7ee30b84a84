import { EarlyBinding } from '#ambassador/pool/dispatch/early-binding.ts'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import type { Binding, Router } from '#ambassador/pool/dispatch/router.ts'
import type { DispatchSettings } from '#ambassador/pool/dispatch/settings.ts'
import type { Entry } from '#ambassador/pool/ledger/entry.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import type { Policy } from '#ambassador/pool/policies/policy.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { Engine, type EngineOptions, type EngineTicket } from '../replica/engine.ts'
import { VirtualClock } from '../virtual-clock.ts'
import type { Arrival, Outcome, PoolRun } from './arrival.ts'

/** How calls are placed: by a policy on arrival, or by our own dispatch. */
export type Placing =
  | { readonly kind: 'policy'; readonly policy: (random: () => number) => Policy }
  | { readonly kind: 'dispatch'; readonly settings: DispatchSettings }

export interface VirtualPoolOptions {
  readonly replicas: number
  readonly engine: Omit<EngineOptions, 'clock'>
  readonly placing: Placing
  readonly seed: number
  readonly scrapeMs: number
  /** From the ambassador to a replica's queue, tokenizing included, and back. */
  readonly toReplicaMs: number
  readonly toReplicaTokenMs: number
  readonly fromReplicaMs: number
  /** How often the tokens that streamed are counted. */
  readonly streamedMs: number
}

export const usualWay = {
  scrapeMs: 1_000,
  toReplicaMs: 5,
  toReplicaTokenMs: 0.002,
  fromReplicaMs: 5,
  streamedMs: 50,
} as const


/** A pool of simulated replicas behind the ambassador's own decision code, in virtual time. */
export class VirtualPool {
  readonly #options: VirtualPoolOptions
  readonly #clock: VirtualClock
  readonly #engines: Engine[] = []
  readonly #members: Member[] = []
  readonly #ledger: Ledger
  readonly #router: Router
  readonly #live = new Map<Entry, EngineTicket>()
  #unfinished = 0

  constructor(options: VirtualPoolOptions) {
    this.#options = options
    this.#clock = new VirtualClock(options.seed)
    const clock = this.#clock
    const { blocks, blockTokens } = options.engine
    const index = new PrefixIndex({ blocksMax: options.replicas * blocks * 2 })
    this.#ledger = new Ledger({ now: () => clock.now(), index, blockTokens, growth: options.placing.kind === 'dispatch' ? Math.max(0.5, options.placing.settings.growth) : 0.5 })
    for (let slot = 0; slot < options.replicas; slot++) {
      this.#engines.push(new Engine({ ...options.engine, clock }))
      index.open(slot, blocks)
      const member = new Member(slot, `http://replica-${slot}`, this.#ledger.book(slot))
      member.capacityBlocks = blocks
      member.sequencesMax = options.engine.sequencesMax ?? 256
      this.#members.push(member)
    }
    const common = { ledger: this.#ledger, index, members: () => this.#members, blockTokens }
    const { placing } = options
    this.#router =
      placing.kind === 'policy'
        ? new EarlyBinding({ ...common, policy: placing.policy(() => clock.random()) })
        : new LateBinding({ ...common, clock, settings: placing.settings })
  }

  run(arrivals: readonly Arrival[]): PoolRun {
    this.#unfinished = arrivals.length
    const outcomes = arrivals.map((arrival) => newOutcome(arrival))
    for (const outcome of outcomes) {
      this.#clock.after(outcome.arrival.atMs, () => this.#arrive(outcome))
    }
    this.#engines.forEach((_, slot) => this.#scrapeLater(slot))
    if (this.#options.placing.kind === 'dispatch') this.#countLater()
    this.#clock.run()
    return {
      outcomes,
      preemptions: sum(this.#engines.map(({ preemptions }) => preemptions)),
      steps: sum(this.#engines.map(({ steps }) => steps)),
      endMs: Math.max(...outcomes.map(({ endMs }) => endMs)),
    }
  }

  #arrive(outcome: Outcome): void {
    this.#router.submit(callOf(outcome.arrival, this.#clock), (binding) => {
      this.#send(outcome, binding)
    })
  }

  #send(outcome: Outcome, { member, entry, priority }: Binding): void {
    const { toReplicaMs, toReplicaTokenMs, fromReplicaMs } = this.#options
    const { arrival } = outcome
    const clock = this.#clock
    outcome.slot = member.slot
    outcome.boundMs = clock.now()
    outcome.predictedTokens = arrival.tokens - entry.uncachedTokens
    const later = (action: () => void) => clock.after(fromReplicaMs, action)
    clock.after(toReplicaMs + toReplicaTokenMs * arrival.tokens, () => {
      const ticket = this.#engines[member.slot]?.submit({
        promptTokens: arrival.tokens,
        keys: arrival.keys,
        outputTokens: arrival.outputTokens,
        ...(arrival.outputKeys === undefined ? {} : { outputKeys: arrival.outputKeys }),
        priority: priority ?? 0,
        adapter: arrival.adapter,
        sink: {
          scheduled: (cached) => {
            outcome.cachedTokens = cached
          },
          firstToken: () => {
            later(() => this.#firstToken(outcome, entry))
          },
          finished: () => {
            later(() => this.#finished(outcome, entry))
          },
        },
      })
      if (ticket !== undefined) this.#live.set(entry, ticket)
    })
  }

  #firstToken(outcome: Outcome, entry: Entry): void {
    outcome.firstTokenMs = this.#clock.now()
    this.#ledger.firstToken(entry)
    this.#router.changed()
  }

  #finished(outcome: Outcome, entry: Entry): void {
    outcome.endMs = this.#clock.now()
    this.#ledger.streamed(entry, outcome.arrival.outputTokens)
    this.#live.delete(entry)
    this.#ledger.end(entry)
    this.#unfinished--
    this.#router.changed()
  }

  #scrapeLater(slot: number): void {
    this.#clock.after(this.#options.scrapeMs, () => {
      const engine = this.#engines[slot]
      const member = this.#members[slot]
      if (engine === undefined || member === undefined || this.#unfinished === 0) return
      const { blocks, blockTokens } = this.#options.engine
      const { running, waiting, kvUsage, preemptions } = engine.gauges
      const kvTokens = blocks * blockTokens
      member.gauges = { atMs: this.#clock.now(), running, waiting, kvUsage, kvTokens, blockTokens, preemptions }
      this.#scrapeLater(slot)
    })
  }

  #countLater(): void {
    this.#clock.after(this.#options.streamedMs, () => {
      for (const [entry, ticket] of this.#live) this.#ledger.streamed(entry, ticket.generated)
      if (this.#unfinished > 0) this.#countLater()
    })
  }
}

function newOutcome(arrival: Arrival): Outcome {
  const never = Number.POSITIVE_INFINITY
  return { arrival, slot: -1, boundMs: never, firstTokenMs: never, endMs: never, cachedTokens: 0, predictedTokens: 0 }
}

function callOf(arrival: Arrival, clock: VirtualClock): PoolCall {
  const { tokens, chain, adapter, tenant, session } = arrival
  return {
    id: '',
    tokens,
    chain,
    adapter,
    tenant,
    class: arrival.class,
    arrivedMs: clock.now(),
    outputMax: Number.POSITIVE_INFINITY,
    session,
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
