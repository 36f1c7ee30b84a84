import type { Clock } from '#shared/call/clock.ts'
import type { DecisionRecorder, Weighing } from '../decisions/recorder.ts'
import type { InTurn } from '../fairness/class-line.ts'
import { type ClassTurn, ClassTurns } from '../fairness/class-turns.ts'
import { GpuCharge } from '../fairness/gpu-charge.ts'
import { gpuCost } from '../fairness/gpu-cost.ts'
import type { TenantTime } from '../fairness/tenant-time.ts'
import { type TenantView, tenantViews } from '../fairness/tenant-views.ts'
import { WantedReplicas } from '../fairness/wanted-replicas.ts'
import { Chooser, type ChooserParts, type Wish } from './chooser.ts'
import { KeptReplicas } from './kept-replicas.ts'
import type { Member } from './member.ts'
import type { PoolCall } from './pool-call.ts'
import { QueueOrder } from './queue-order.ts'
import type { Binding, Router } from './router.ts'
import type { Work } from './work.ts'

/** A call that wants a replica, in its class and of its tenant. */
interface Comer extends Wish {
  readonly turn: ClassTurn<Waiting>
  readonly tenant: TenantTime
}

interface Waiting extends Comer, InTurn {
  readonly bind: (binding: Binding) => void
  /** Own work and age: smaller goes first. */
  readonly key: number
  readonly work: Work
}

interface LateBindingParts extends ChooserParts {
  readonly clock: Pick<Clock, 'now' | 'wall' | 'after'>
  /** Told of every decision. */
  readonly recorder?: DecisionRecorder | undefined
  /** Classes by rank, the first goes first. */
  readonly classes?: readonly string[]
  /** What lower classes get while higher ones wait, 0 to below 1. */
  readonly lowerShare?: (() => number) | undefined
}

/** As where nothing is configured. */
const defaults = { classes: ['interactive', 'batch'], lowerShare: () => 0.1 } as const

/** In a replica's own queue a call of a lower class stands behind so much work of others. */
const classPriorityMs = 60_000

/** How long what a replica has of a waiting call is believed; it is looked up again before it is sent. */
const matchMs = 200
/** Between two looks at those that wait where nothing happens: costs fall with time alone. */
const lookMs = 50

/**
 * Binds a call at once where the best replica can take it. Where that one cannot, the call goes to the best
 * that can or waits, by what costs less. Those that wait go by their own work and their age; one that does
 * not fit never stops those behind it.
 */
export class LateBinding implements Router {
  readonly #parts: LateBindingParts
  readonly #chooser: Chooser
  readonly #kept: KeptReplicas<Waiting>
  readonly #turns: ClassTurns<Waiting>
  readonly #wanted = new WantedReplicas<Member>()
  readonly #weighing: Weighing
  readonly #order: QueueOrder
  /** Those that wait. */
  readonly #waiting = new Map<PoolCall, Waiting>()
  #isLooking = false

  constructor(parts: LateBindingParts) {
    this.#parts = parts
    this.#chooser = new Chooser(parts)
    this.#order = new QueueOrder(parts.clock)
    this.#kept = new KeptReplicas(parts, this.#chooser)
    const isKept = (wish: Wish, member: Member) => this.#kept.isKeptFrom(wish, member)
    this.#weighing = { parts, chooser: this.#chooser, isKept }
    const { classes = defaults.classes, lowerShare = defaults.lowerShare, settings } = parts
    this.#turns = new ClassTurns({ classes, lowerShare, quantumMs: settings.quantumMs })
  }

  get waiting(): number {
    return this.#turns.length
  }

  /** Up to `count` tenants of each class, those with most calls that wait first. */
  tenants(count: number): readonly TenantView[] {
    return this.#turns.all.flatMap(({ name, line }) => tenantViews(name, line.times, count))
  }

  submit(call: PoolCall, bind: (binding: Binding) => void): () => void {
    const comer = this.#comerOf(call)
    this.#kept.saw(comer)
    const member = this.#choose(comer)
    if (member !== undefined) {
      this.#bind(comer, member, bind)
      this.#chooser.giveBack(comer)
      return () => undefined
    }
    const work = this.#chooser.workOf(comer)
    const waiting = {
      ...comer,
      bind,
      work,
      key: this.#keyOf(call, work),
      costMs: this.#costOf(call, work),
    }
    this.#parts.recorder?.held(comer, this.#weighing)
    comer.turn.line.add(waiting)
    this.#waiting.set(call, waiting)
    this.#lookLater()
    return () => this.#leave(waiting)
  }

  aheadOf(call: PoolCall, own: Work): Work {
    const turn = this.#turns.of(call.class)
    const tenant = turn.line.times.arrives(call.tenant, call.weight ?? 1)
    const comer = this.#waiting.get(call) ?? { tenant, key: this.#keyOf(call, own), costMs: 0 }
    const ahead = { blocks: 0, plainMs: 0 }
    for (const [{ work }, count] of this.#turns.before(turn, comer)) {
      ahead.blocks += work.blocks * count
      ahead.plainMs += work.plainMs * count
    }
    return ahead
  }

  changed(): void {
    if (this.#turns.length === 0) return
    this.#placeKept()
    this.#wanted.clear()
    this.#chooser.ahead.clear()
    const { window } = this.#parts.settings
    for (const turn of this.#turns.all) {
      if (turn.isDue) turn.line.walk(window, (waiting) => turn.isDue && this.#place(waiting))
    }
    // The second walk meets those again that the first one has left waiting.
    this.#chooser.ahead.clear()
    for (const { line } of this.#turns.all) {
      line.walk(window, (waiting) => this.#place(waiting))
    }
    this.#kept.keepFor(this.#turns.keepable('in turn'))
    this.#kept.keepFor(this.#turns.keepable('others'))
  }

  #comerOf(call: PoolCall): Comer {
    const turn = this.#turns.of(call.class)
    const tenant = turn.line.times.arrives(call.tenant, call.weight ?? 1)
    return { ...this.#chooser.wishOf(call), turn, tenant }
  }

  /** Where it has to wait, the replica that it waits for takes nobody of a lower class. */
  #choose(comer: Comer): Member | undefined {
    this.#chooser.observe(this.#turns.length)
    const { best, member } = this.#chooser.choose(
      comer,
      (offered) => this.#kept.isKeptFrom(comer, offered) || this.#yields(comer.turn, offered),
    )
    if (member !== undefined || best === undefined) return member
    this.#wanted.add(best, comer.turn.rank)
    this.#chooser.ahead.add(best.slot, this.#chooser.needed(comer, best))
    return undefined
  }

  /** Whether somebody of a higher class waits for the replica, and the lower one has had its share. */
  #yields(turn: ClassTurn<Waiting>, member: Member): boolean {
    return !turn.isDue && this.#wanted.isWantedBefore(member, turn.rank)
  }

  /** The order never changes while calls wait: all age alike. */
  #keyOf({ arrivedMs }: Pick<PoolCall, 'arrivedMs'>, { plainMs }: Work): number {
    return plainMs + this.#parts.settings.ageing * arrivedMs
  }

  /** Of a replica with as many calls as the others have on average. */
  #costOf(call: PoolCall, { blocks }: Work): number {
    const { ledger, rates, members, blockTokens } = this.#parts
    const all = members()
    const calls = all.reduce((sum, { inFlight }) => sum + inFlight, 0) / Math.max(1, all.length)
    const cached = Math.max(0, call.tokens - blocks * blockTokens)
    const work = { prompt: call.tokens, cached, generated: ledger.remaining(call, 0) }
    const cost = gpuCost(work, { rates, inFlight: Math.max(1, calls), slowness: 1 })
    return cost.prefillMs + cost.decodeMs
  }

  /** Whether the call has left the line. */
  #place(waiting: Waiting): boolean {
    const isOld = this.#parts.clock.now() - waiting.matchedMs > matchMs
    if (isOld) this.#chooser.match(waiting)
    let member = this.#choose(waiting)
    if (member === undefined) return false
    if (!isOld) {
      this.#chooser.match(waiting)
      member = this.#choose(waiting)
      if (member === undefined) return false
    }
    this.#leave(waiting)
    this.#bind(waiting, member, waiting.bind)
    return true
  }

  #placeKept(): void {
    for (const [waiting, member] of this.#kept.ready()) {
      this.#leave(waiting)
      this.#bind(waiting, member, waiting.bind)
    }
  }

  #bind(comer: Comer, member: Member, bind: (binding: Binding) => void): void {
    const { ledger, rates, recorder } = this.#parts
    recorder?.bound(comer, member, this.#weighing)
    const { call, turn, tenant } = comer
    const expected = this.#chooser.expected(call, comer.found[member.slot] ?? 0)
    const priority = this.#priorityOf(comer)
    const generates = ledger.remaining(call, 0)
    const entry = ledger.send(call, member.slot, expected)
    const correct = (ms: number) => turn.line.times.correct(tenant, ms)
    const charge = new GpuCharge({ entry, member, rates, generates, correct })
    turn.line.times.charge(tenant, charge.expectedMs)
    this.#turns.spend(turn, charge.expectedMs)
    bind({ member, entry, priority, charge })
  }

  /** The same order among all processes that share the replica, and its queue is one line of all classes. */
  #priorityOf(comer: Comer): number {
    const arrivedMs = this.#order.commonMs(comer.call.arrivedMs)
    const keyMs = this.#keyOf({ arrivedMs }, this.#chooser.workOf(comer))
    return this.#order.priorityOf(keyMs + comer.turn.rank * classPriorityMs)
  }

  #leave(waiting: Waiting): void {
    waiting.turn.line.remove(waiting)
    this.#waiting.delete(waiting.call)
    if (this.#turns.length === 0) {
      this.#wanted.clear()
      this.#chooser.ahead.clear()
    }
    this.#kept.release(waiting)
  }

  #lookLater(): void {
    if (this.#isLooking || this.#turns.length === 0) return
    this.#isLooking = true
    this.#parts.clock.after(lookMs, () => {
      this.#isLooking = false
      this.changed()
      this.#lookLater()
    })
  }
}
