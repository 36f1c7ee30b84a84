import { assumedRates } from '#ambassador/pool/cost/prefill-cost.ts'
import { EarlyBinding } from '#ambassador/pool/dispatch/early-binding.ts'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import type { Binding, Router } from '#ambassador/pool/dispatch/router.ts'
import type { GpuCharge } from '#ambassador/pool/fairness/gpu-charge.ts'
import type { Entry } from '#ambassador/pool/ledger/entry.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import type { Policy } from '#ambassador/pool/policies/policy.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { Engine, type EngineTicket } from '../replica/engine.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { type Arrival, callOf, newOutcome, type Outcome, type PoolRun } from './arrival.ts'
import { type Disturbance, presentAtStart } from './disturbance.ts'
import type { VirtualPoolOptions } from './pool-options.ts'

export { type Placing, usualWay, type VirtualPoolOptions } from './pool-options.ts'

interface Waiting {
  readonly outcome: Outcome
  readonly call: PoolCall
}

/** One call on its way: what is sent, again where its replica is lost. */
interface Sent extends Waiting {
  readonly entry: Entry
  readonly charge: GpuCharge | undefined
}

/** A pool of simulated replicas behind the ambassador's own decision code, in virtual time. */
export class VirtualPool {
  readonly #options: VirtualPoolOptions
  readonly #clock: VirtualClock
  /** By slot; undefined where none is there. */
  readonly #engines: (Engine | undefined)[] = []
  readonly #lost: Engine[] = []
  #members: readonly Member[] = []
  readonly #index: PrefixIndex
  readonly #ledger: Ledger
  readonly #router: Router
  readonly #policy: Policy | undefined
  readonly #live = new Map<Entry, EngineTicket>()
  /** The calls that wait for the answer of another. */
  readonly #followers = new Map<Arrival, Outcome>()
  #unfinished = 0
  #onEnd: ((outcome: Outcome) => void) | undefined

  constructor(options: VirtualPoolOptions) {
    this.#options = options
    const { replicas, placing, disturbances = [] } = options
    const clock = new VirtualClock(options.seed)
    this.#clock = clock
    const { blocks, blockTokens } = options.engine
    const index = new PrefixIndex({ blocksMax: replicas * blocks * 2 })
    this.#index = index
    this.#ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
    for (let slot = 0; slot < replicas; slot++) index.open(slot, blocks)
    for (const slot of presentAtStart(replicas, disturbances)) this.#join(slot)
    const common = {
      ledger: this.#ledger,
      index,
      members: () => this.#members,
      blockTokens,
      rates: assumedRates,
    }
    if (placing.kind === 'policy') {
      this.#policy = placing.policy(() => clock.random())
      this.#router = new EarlyBinding({ ...common, policy: this.#policy })
    } else {
      const { kind: _, ...late } = placing
      this.#router = new LateBinding({ ...common, clock, ...late })
    }
  }

  run(arrivals: readonly Arrival[]): PoolRun {
    this.#unfinished = arrivals.length
    const outcomes = arrivals.map((arrival) => newOutcome(arrival))
    for (const outcome of outcomes) this.#expect(outcome)
    this.#runAll()
    const engines = [...this.#engines.filter((engine) => engine !== undefined), ...this.#lost]
    return {
      outcomes,
      preemptions: sum(engines.map(({ preemptions }) => preemptions)),
      steps: sum(engines.map(({ steps }) => steps)),
      endMs: outcomes.reduce((latest, { endMs }) => Math.max(latest, endMs), 0),
    }
  }

  /** The same for calls that are made as they come, by `atMs`, and forgotten once `onEnd` is told. */
  play(arrivals: Iterator<Arrival>, onEnd: (outcome: Outcome) => void): void {
    this.#onEnd = onEnd
    this.#pull(arrivals)
    this.#runAll()
  }

  #pull(arrivals: Iterator<Arrival>): void {
    const { value: arrival, done } = arrivals.next()
    if (done === true) return
    this.#unfinished++
    const outcome = newOutcome(arrival)
    this.#clock.after(arrival.atMs - this.#clock.now(), () => {
      this.#pull(arrivals)
      this.#arrive(outcome)
    })
  }

  #runAll(): void {
    for (const disturbance of this.#options.disturbances ?? []) this.#disturbLater(disturbance)
    for (let slot = 0; slot < this.#options.replicas; slot++) this.#scrapeLater(slot)
    if (this.#options.placing.kind === 'dispatch') this.#countLater()
    this.#clock.run()
  }

  #expect(outcome: Outcome): void {
    const { atMs, follows } = outcome.arrival
    if (follows === undefined) this.#clock.after(atMs, () => this.#arrive(outcome))
    else this.#followers.set(follows.arrival, outcome)
  }

  #arrive(outcome: Outcome): void {
    outcome.arrivedMs = this.#clock.now()
    this.#submit(outcome, callOf(outcome.arrival, outcome.arrivedMs))
  }

  #submit(outcome: Outcome, call: PoolCall): void {
    this.#router.submit(call, (binding) => this.#send({ outcome, call, ...binding }))
  }

  #send({ outcome, call, member, entry, priority, charge }: Binding & Waiting): void {
    const { toReplicaMs, toReplicaTokenMs } = this.#options
    const { arrival } = outcome
    const { slot } = member
    outcome.slot = slot
    outcome.boundMs = this.#clock.now()
    outcome.predictedTokens = arrival.tokens - entry.uncachedTokens
    const sent = { outcome, call, entry, charge }
    this.#clock.after(toReplicaMs + toReplicaTokenMs * arrival.tokens, () => {
      const engine = this.#engines[slot]
      if (engine === undefined) this.#later(() => this.#failed(sent))
      else this.#live.set(entry, this.#start(engine, sent, priority ?? 0))
    })
  }

  #start(engine: Engine, sent: Sent, priority: number): EngineTicket {
    const { outcome, entry } = sent
    const { arrival } = outcome
    return engine.submit({
      promptTokens: arrival.tokens,
      keys: arrival.keys,
      outputTokens: arrival.outputTokens,
      ...(arrival.outputKeys === undefined ? {} : { outputKeys: arrival.outputKeys }),
      priority,
      adapter: arrival.adapter,
      sink: {
        scheduled: (cached) => {
          outcome.cachedTokens = cached
        },
        firstToken: () => this.#later(() => this.#firstToken(outcome, entry)),
        finished: () => this.#later(() => this.#finished(sent)),
        lost: () => this.#later(() => this.#failed(sent)),
      },
    })
  }

  /** What a replica does is known after its way back. */
  #later(action: () => void): void {
    this.#clock.after(this.#options.fromReplicaMs, action)
  }

  #firstToken(outcome: Outcome, entry: Entry): void {
    outcome.firstTokenMs = this.#clock.now()
    this.#ledger.firstToken(entry)
    this.#router.changed()
  }

  #finished(sent: Sent): void {
    const { outcome, entry } = sent
    const { outputTokens, grownChain } = outcome.arrival
    this.#ledger.streamed(entry, outputTokens)
    if (grownChain !== undefined) this.#index.extend(entry.hold, grownChain)
    sent.charge?.found(outcome.cachedTokens, outcome.arrival.tokens)
    this.#end(sent)
  }

  #end(sent: Sent): void {
    const { outcome } = sent
    outcome.endMs = this.#clock.now()
    this.#leave(sent)
    this.#unfinished--
    this.#onEnd?.(outcome)
    const follower = this.#followers.get(outcome.arrival)
    if (follower !== undefined) {
      const pauseMs = follower.arrival.follows?.pauseMs ?? 0
      this.#clock.after(pauseMs, () => this.#arrive(follower))
    }
    this.#router.changed()
  }

  /** Its replica is gone: sent again where nothing of the answer was there yet. */
  #failed(sent: Sent): void {
    const { outcome, call } = sent
    if (outcome.firstTokenMs < Number.POSITIVE_INFINITY) {
      outcome.isBroken = true
      this.#end(sent)
      return
    }
    this.#leave(sent)
    outcome.resent++
    this.#submit(outcome, call)
    this.#router.changed()
  }

  /** It is in no book any more, and its tenant has paid. */
  #leave({ entry, charge }: Sent): void {
    this.#live.delete(entry)
    charge?.settle(this.#clock.now())
    this.#ledger.end(entry)
  }

  #disturbLater({ atMs, slot, kind }: Disturbance): void {
    this.#clock.after(atMs, () => {
      if (kind === 'lost') this.#lose(slot)
      else this.#join(slot)
      this.#router.changed()
    })
  }

  #lose(slot: number): void {
    const engine = this.#engines[slot]
    if (engine === undefined) return
    this.#engines[slot] = undefined
    this.#lost.push(engine)
    this.#members = this.#members.filter((member) => member.slot !== slot)
    this.#policy?.forget?.(slot)
    this.#ledger.forget(slot)
    // Open at once again: a call that was to go there may be bound to it yet, and fails.
    this.#index.close(slot)
    this.#index.open(slot, this.#options.engine.blocks)
    engine.close()
  }

  #join(slot: number): void {
    const { engine } = this.#options
    this.#engines[slot] = new Engine({ ...engine, clock: this.#clock })
    const member = new Member(slot, `http://replica-${slot}`, this.#ledger.book(slot))
    member.capacityBlocks = engine.blocks
    member.sequencesMax = engine.sequencesMax ?? 256
    member.book.adapters.slots = engine.adapterSlots ?? Number.POSITIVE_INFINITY
    this.#members = [...this.#members, member].toSorted((one, other) => one.slot - other.slot)
  }

  #scrapeLater(slot: number): void {
    this.#clock.after(this.#options.scrapeMs, () => {
      if (this.#unfinished === 0) return
      this.#scrape(slot)
      this.#scrapeLater(slot)
    })
  }

  #scrape(slot: number): void {
    const engine = this.#engines[slot]
    const member = this.#members.find((one) => one.slot === slot)
    if (engine === undefined || member === undefined) return
    const { blocks, blockTokens } = this.#options.engine
    member.gauges = {
      ...engine.gauges,
      atMs: this.#clock.now(),
      kvTokens: blocks * blockTokens,
      blockTokens,
    }
    this.#ledger.observe(slot, member.gauges)
  }

  #countLater(): void {
    this.#clock.after(this.#options.streamedMs, () => {
      for (const [entry, ticket] of this.#live) this.#ledger.streamed(entry, ticket.generated)
      if (this.#unfinished > 0) this.#countLater()
    })
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
