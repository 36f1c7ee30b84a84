import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import type { AmbassadorCall } from '../../call.ts'
import { assumedRates } from '../cost/prefill-cost.ts'
import type { ChooserParts } from '../dispatch/chooser.ts'
import type { Member } from '../dispatch/member.ts'
import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Binding, Router } from '../dispatch/router.ts'
import { fair, fast } from '../dispatch/settings.ts'
import { noWork, type Work } from '../dispatch/work.ts'
import { ForecastErrors } from './forecast-errors.ts'
import { HeldCalls, type Ticket } from './held-calls.ts'
import { LineRates } from './line-rates.ts'
import { ClassObjectives, type Objectives } from './objectives.ts'
import { type Forecast, stepMs, TtftForecast } from './ttft-forecast.ts'
import { missedBy, type RefusalReason, refusal, retryAfterMs } from './verdict.ts'
import { type LeftOut, Vitals } from './vitals.ts'

/** Counts what is refused, and how forecasts err. */
export interface AdmissionMeter {
  refused(reason: RefusalReason, name: string): void
  /** A first token came: what it took, by the median that was forecast. */
  forecast(kind: 'at-once' | 'held', ratio: number): void
  /** A replica is given no calls for what is seen of it; undefined: it is given some again. */
  leftOut(origin: string, why: LeftOut | undefined): void
}

interface AdmissionParts {
  readonly clock: Clock
  readonly meter: AdmissionMeter
  /** Others are able to take calls than before. */
  readonly onChange: () => void
}

/** What is configured of classes. */
interface ClassSettings {
  readonly classes: Objectives
}

/** What calls are placed by. */
interface Place extends Pick<ChooserParts, 'ledger' | 'index' | 'blockTokens'> {
  /** Who knows the order of those that wait; another one where classes are ranked anew. */
  readonly router: Pick<Router, 'aheadOf'>
}

interface Placers {
  readonly policy: string
  /** Those that take calls. */
  readonly members: ChooserParts['members']
}

/** What becomes of a call that may come in. */
export interface Entrance {
  /** It has its replica: gives what ends the attempt there, with the call or before. */
  bound(binding: Binding): Cancellation
  /** It was not bound at once: gives why it cannot be in time; else `refuse` is told where that changes. */
  held(refuse: (error: CallError) => void): CallError | undefined
  /** It waits no longer. */
  leave(): void
  /** When a second try makes sense for who is refused for `reason`, which is counted; in ms. */
  refused(reason: RefusalReason): number
}

/** Between two looks at what is in flight and at those that wait. */
const lookMs = 500
/** Those that are looked at each time. */
const lookedAt = 64

/**
 * Who may begin: forecasts the first token of each call, refuses at once what cannot be in time, and puts
 * out who waits and no longer can be. A refusal needs the forecast to miss even where it errs as it does in
 * the luckiest tenth of calls: what would have been served is not refused.
 */
export class PoolAdmission {
  readonly #parts: AdmissionParts
  readonly #objectives = new ClassObjectives()
  readonly #errors = new ForecastErrors()
  readonly #rates = new LineRates()
  readonly #held = new HeldCalls()
  /** What replicas are seen to do. */
  readonly vitals: Vitals
  #members: ChooserParts['members'] = () => []
  #blockTokens = 1
  #forecastOf: (ticket: Ticket) => Forecast | undefined = () => undefined
  #undoLook: Undo | undefined

  constructor(parts: AdmissionParts, classes: ClassSettings) {
    this.#parts = parts
    this.configure(classes)
    const { clock, meter } = parts
    this.vitals = new Vitals({
      clock,
      members: () => this.#members(),
      onLeftOut: (...told) => meter.leftOut(...told),
    })
  }

  configure({ classes }: ClassSettings): void {
    this.#objectives.configure(classes)
  }

  /** Calls are placed there from here on: gives the same place. */
  follow<Desk extends Place>(desk: Desk, { policy, members }: Placers): Desk {
    const { ledger, index, blockTokens } = desk
    const { clock } = this.#parts
    const settings = policy === 'fast' ? fast : fair
    this.#members = members
    this.#blockTokens = blockTokens
    const place = { ledger, index, blockTokens, members, settings, rates: assumedRates }
    const paceOf = (member: Member) => this.vitals.of(member).pace
    const forecast = new TtftForecast({ ...place, clock, line: this.#rates, paceOf })
    this.#forecastOf = ({ call }) =>
      forecast.of(call, (own) => desk.router.aheadOf?.(call, own) ?? noWork)
    return desk
  }

  /**
   * A call that wants a replica. Throws `overloaded` where its class promises what cannot be kept. One
   * that a replica has failed is let in: it has had its turn.
   */
  enter(call: PoolCall, context: AmbassadorCall): Entrance {
    const { patienceUntilMs, deadlineMs, isStream, replicasTried } = context
    const { class: name, arrivedMs } = call
    const { ttft } = this.#objectives.of(name)
    const ttftMs = replicasTried.length === 0 ? ttft : undefined
    const untilMs = Math.min(patienceUntilMs, deadlineMs)
    const bounds = { class: name, arrivedMs, ttftMs, patienceUntilMs: untilMs }
    const ticket: Ticket = { call, bounds, isStream, forecast: undefined }
    if (ttftMs !== undefined) {
      ticket.forecast = this.#forecastOf(ticket)
      const error = this.#verdictOn(ticket, ticket.forecast, 'arriving')
      if (error !== undefined) throw error
    }
    return {
      bound: (binding) => {
        this.#objectives.begun(name, context, () => this.#parts.clock.now())
        const attempt = this.#bound(ticket, binding)
        // Both are gone with the call: nobody has to undo it.
        context.cancellation.onCancel((reason) => attempt.cancel(reason))
        return attempt
      },
      held: (refuse) => this.#hold(ticket, refuse),
      leave: () => void this.#held.delete(ticket),
      refused: (reason) => this.#refused(ticket, reason),
    }
  }

  /** Something at a replica has begun or ended. */
  changed(): void {
    this.vitals.changed()
  }

  /** Gives replicas no more calls than get their tokens as fast as the classes are promised. */
  limit(members: readonly Member[]): void {
    const tokenMs = this.#objectives.tokenMs(this.#parts.clock.now())
    for (const member of members) {
      const { pace } = this.vitals.of(member)
      member.sequencesMax = Number.isFinite(tokenMs) ? pace.callsWithin(tokenMs) : tokenMs
    }
  }

  close(): void {
    this.#undoLook?.()
    this.#undoLook = undefined
    this.#held.clear()
    this.vitals.close()
  }

  /** Why it cannot be in time; undefined where it can. */
  #verdictOn(
    { bounds }: Ticket,
    forecast: Forecast | undefined,
    where: 'arriving' | 'held',
  ): CallError | undefined {
    if (forecast === undefined) return undefined
    const { clock, meter } = this.#parts
    const nowMs = clock.now()
    const isHeld = where === 'held' || forecast.waitMs > 0
    const spread = this.#errors.spread({ isHeld, work: forecast.work }, nowMs)
    const missed = missedBy(forecast, bounds, { spread, nowMs })
    if (missed === undefined) return undefined
    meter.refused(missed.reason, bounds.class)
    return refusal(missed, bounds, clock.random())
  }

  #hold(ticket: Ticket, refuse: (error: CallError) => void): CallError | undefined {
    ticket.forecast ??= this.#forecastOf(ticket)
    const { forecast } = ticket
    if (forecast === undefined) return undefined
    const error = this.#verdictOn(ticket, forecast, 'held')
    if (error !== undefined) return error
    this.#rates.came(forecast.work, this.#parts.clock.now())
    this.#held.add(ticket, refuse)
    this.#lookLater()
    return undefined
  }

  #bound(ticket: Ticket, { entry, member }: Binding): Cancellation {
    const nowMs = this.#parts.clock.now()
    const isHeld = this.#held.delete(ticket)
    const work = this.#workOf(entry)
    if (!isHeld) this.#rates.came(work, nowMs)
    this.#rates.began(work, nowMs)
    const { book } = member
    const queuedMs = book.queuedMs(nowMs)
    const sentMs = queuedMs + stepMs
    const held = isHeld ? ticket.forecast : undefined
    const kind = { isHeld, work: held?.work ?? work }
    const fromMs = isHeld ? ticket.call.arrivedMs : nowMs
    const likelyMs = (held?.ttftMs ?? sentMs) * this.#errors.spread(kind, nowMs).middle
    this.#lookLater()
    return this.vitals.sent(
      {
        entry,
        member,
        isStream: ticket.isStream,
        mostMs: sentMs * this.#errors.spread({ isHeld: false, work }, nowMs).high,
        plainMs: queuedMs / book.speed.factor + stepMs,
      },
      (cameMs) => {
        const tookMs = Math.max(1, cameMs - fromMs)
        this.#errors.record(kind, tookMs / (held?.ttftMs ?? sentMs), cameMs)
        this.#parts.meter.forecast(isHeld ? 'held' : 'at-once', tookMs / likelyMs)
      },
    )
  }

  #workOf({ call, hold, plainMs }: Binding['entry']): Work {
    const blocks = Math.ceil(call.tokens / this.#blockTokens)
    return { blocks: Math.max(0, blocks - hold.found), plainMs }
  }

  #refused({ bounds, forecast }: Ticket, reason: RefusalReason): number {
    const { clock, meter } = this.#parts
    meter.refused(reason, bounds.class)
    return retryAfterMs(forecast?.waitMs ?? 0, clock.random())
  }

  #lookLater(): void {
    this.#undoLook ??= this.#parts.clock.after(lookMs, () => {
      this.#undoLook = undefined
      this.vitals.changed()
      if (this.vitals.look()) this.#parts.onChange()
      this.#lookAtLine()
      if (this.vitals.isWatching || this.#held.size > 0) this.#lookLater()
    })
  }

  /** What has happened since they came may have made some of them too late. */
  #lookAtLine(): void {
    for (const [ticket, refuse] of this.#held.turn(lookedAt)) {
      if (!this.#held.has(ticket)) continue
      const error = this.#verdictOn(ticket, this.#forecastOf(ticket), 'held')
      if (error !== undefined) refuse(error)
    }
  }
}
