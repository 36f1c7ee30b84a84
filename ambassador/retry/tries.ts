import assert from 'node:assert'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { letGoUnread } from '../attempt/let-go.ts'
import { type Admission, type Refusal, unjudged } from '../breaker/breaker.ts'
import type { AmbassadorCall } from '../call.ts'
import { strangersTo } from '../stored/strangers.ts'
import { againOf, isCharged } from './again.ts'
import { answerHeaders } from './answer-headers.ts'
import { backoff } from './backoff.ts'
import { isAnswer } from './classify-error.ts'
import { Exclusions } from './exclusions.ts'
import { failoverOf, isOfProvider } from './failover.ts'
import { isFinal, toldError } from './is-final.ts'
import { abandon, type Failed, isOfReplica, OneAttempt, type Ready } from './one-attempt.ts'
import { type Outcome, rules } from './outcome.ts'
import { noneLeft, ownWords } from './own-words.ts'
import { pause } from './pause.ts'
import type { Credentials, GivenUp, PooledParts, RetriedProvider, Turn } from './retry-parts.ts'

/** The attempts of one call: what failed, which credentials are out, and what is still allowed. */
export class Tries {
  readonly #parts: PooledParts
  readonly #context: AmbassadorCall
  readonly #provider: RetriedProvider
  readonly #excluded: Exclusions
  #failures = 0
  #owes = false
  #last: Failed | undefined
  #why: GivenUp = 'no-credential'
  /** Whose breaker has not heard of a replica's failure: the call may go on elsewhere. */
  #unjudged: Ready | undefined
  /** Until a breaker that refused would let a probe through, in ms. */
  #refusedMs: number | undefined

  constructor(parts: PooledParts, context: AmbassadorCall) {
    this.#parts = parts
    this.#context = context
    this.#provider = parts.provider(context)
    this.#excluded = new Exclusions(context.clock)
    for (const name of strangersTo(context)) this.#excluded.forGood(name)
  }

  /** The credential and the breaker's leave for one attempt; undefined where there is none. */
  async next(): Promise<Ready | undefined> {
    const { credentials, budget } = this.#parts
    const { retry } = this.#provider
    const context = this.#context
    for (;;) {
      if (this.#last !== undefined && this.#leftMs() <= 0) {
        this.#why = 'time'
        return undefined
      }
      const excluded = this.#out()
      const turn = await this.#turn(() => credentials.next(context, excluded))
      if (turn === undefined) {
        if (await this.#awaitCredential()) continue
        return undefined
      }
      assert(!excluded.has(turn.credential), 'an excluded credential was chosen')
      if (this.#owes && !budget.withdraw(retry)) {
        turn.end(undefined)
        this.#why = 'budget'
        return undefined
      }
      this.#owes = false
      const answer = this.#leave(turn.credential)
      if (answer.isAdmitted) return { turn, admission: answer }
      turn.end(undefined)
      this.#noteRefused(answer.nextProbeMs)
      this.#excluded.forGood(turn.credential)
    }
  }

  /** One attempt; undefined where it failed before its commit point. */
  async attempt(
    ready: Ready,
    send: () => Promise<CallResponse>,
  ): Promise<CallResponse | undefined> {
    const last = this.#last
    if (last !== undefined && rules[last.outcome.kind].mayBillTwice) {
      try {
        this.#parts.onSuperseded(this.#context)
      } catch (defect) {
        abandon(ready)
        throw defect
      }
    }
    const attempted = await new OneAttempt(this.#parts, this.#context, ready).run(send)
    if (attempted.kind === 'committed') return attempted.response
    this.release()
    this.#last = attempted
    if (isOfReplica(attempted.outcome, this.#context)) this.#unjudged = ready
    return undefined
  }

  /** Whether there shall be a further attempt; waits as long as is due before it. */
  async goOn(): Promise<boolean> {
    const last = this.#last
    assert(last !== undefined, 'nothing has failed')
    const { outcome } = last
    const limits = this.#provider.retry
    const again = againOf(outcome, limits.unknown)
    if (again === 'never') return this.#stop('outcome')
    const { attempts, attemptsBefore, attemptsMax } = this.#context
    if (attemptsBefore + attempts >= attemptsMax) return this.#stop('ceiling')
    const failover = failoverOf(outcome, this.#context, this.#parts.pool)
    if (failover === 'free') return true
    if (failover === 'charged') return this.#parts.budget.withdraw(limits) || this.#stop('budget')
    this.#judge()
    if (again === 'elsewhere') {
      this.#passOver(outcome)
      this.#owes = isCharged(outcome)
      this.#why = 'no-credential'
      return true
    }
    this.#failures++
    const waitMs = this.#backoff(again, outcome.hintMs)
    if (waitMs === undefined) return this.#stop('time')
    if (!this.#parts.budget.withdraw(limits)) return this.#stop('budget')
    await pause(this.#context, waitMs)
    return true
  }

  /**
   * The last attempt's answer, with what the sidecar may do about it; or throws its error, and what
   * was said of the account in our own words.
   */
  giveUp(): CallResponse {
    const context = this.#context
    this.#judge()
    this.#parts.onGiveUp(context, this.#why)
    const last = this.#last
    if (last === undefined) throw this.#nothingTried()
    const { outcome } = last
    const soonestMs = this.#excluded.soonestMs()
    const aside = this.#parts.credentials.asideOf(context)
    const own = ownWords(outcome, context, { soonestMs, aside })
    const limits = { unknown: this.#provider.retry.unknown, attemptsMax: context.attemptsMax }
    if (last.kind === 'thrown') {
      // What nobody answered is ours already.
      const { error } = last
      throw toldError(isAnswer(error) ? (own ?? error) : error, outcome, limits)
    }
    if (own !== undefined) throw toldError(own, outcome, limits)
    const { response } = last
    const waitMs = outcome.hintMs ?? soonestMs
    const ended = { soonestMs, isFinal: isFinal(outcome, { ...limits, waitMs }) }
    const headers = answerHeaders(response.headers, outcome, ended)
    this.#last = undefined
    return { ...response, headers, body: letGoUnread(response.body, context.atEnd) }
  }

  /** Lets go of an answer that is not passed on. */
  release(): void {
    if (this.#last?.kind === 'refused') this.#last.response.body.cancel()
    this.#last = undefined
    // Left on its way to another replica.
    this.#unjudged?.admission.withdraw()
    this.#unjudged = undefined
  }

  /** No other replica is asked at once: what the last one did is the verdict on this call. */
  #judge(): void {
    const last = this.#last
    const ready = this.#unjudged
    this.#unjudged = undefined
    if (last === undefined || ready === undefined) return
    if (isOfProvider(this.#context, this.#parts.pool)) ready.admission.fail(last.outcome.reason)
    else ready.admission.withdraw()
  }

  #leave(credential: string): Admission | Refusal {
    const before = this.#unjudged
    if (before?.turn.credential === credential) {
      // One call, one verdict: that of the replica that it ends at.
      this.#unjudged = undefined
      return before.admission
    }
    const { breakers } = this.#parts
    const { breaker: limits } = this.#provider
    const { model, snapshot } = this.#context
    const generation = snapshot?.generation ?? 0
    // How the key fares that was put in its place is no matter of this call, nor the other way round.
    if (breakers.isFormer(credential, generation)) return unjudged
    const breaker = breakers.of({ credential, model }, limits, generation)
    return breaker.admit(slowOf(this.#context, limits.slow))
  }

  /** Whom this call passes over, and whose breaker is open: nobody waits for a turn with those. */
  #out(): ReadonlySet<string> {
    const names = this.#excluded.names()
    const refusing = this.#parts.breakers.refusing(this.#context.model)
    if (refusing.size === 0) return names
    const out = new Set(names)
    for (const [credential, probeMs] of refusing) {
      // A probe that goes on at another replica is what all others wait for.
      if (credential === this.#unjudged?.turn.credential) continue
      this.#noteRefused(probeMs)
      out.add(credential)
    }
    return out
  }

  #noteRefused(probeMs: number): void {
    this.#refusedMs = Math.min(probeMs, this.#refusedMs ?? Number.POSITIVE_INFINITY)
  }

  #stop(why: GivenUp): false {
    this.#why = why
    return false
  }

  #leftMs(): number {
    const { clock, patienceUntilMs, deadlineMs } = this.#context
    return Math.min(patienceUntilMs, deadlineMs) - clock.now()
  }

  #backoff(again: Parameters<typeof backoff>[0]['again'], hintMs: number | undefined) {
    const { clock } = this.#context
    const want = { again, failures: this.#failures, hintMs, random: clock.random() }
    return backoff({ ...want, leftMs: this.#leftMs() }, this.#provider.retry)
  }

  /** An error of the scheduler's hides what the provider has already answered. */
  async #turn(next: () => ReturnType<Credentials['next']>): Promise<Turn | undefined> {
    this.#context.cancellation.check()
    try {
      return await next()
    } catch (error) {
      this.#context.cancellation.check()
      if (this.#last === undefined || !(error instanceof CallError)) throw error
      return undefined
    }
  }

  /** Out for this call: for good, or where it is only throttled until the provider's own time. */
  #passOver({ kind, hintMs }: Outcome): void {
    const { credential = '' } = this.#context
    if (kind !== 'throttled') {
      this.#excluded.forGood(credential)
      return
    }
    this.#failures++
    this.#excluded.forMs(credential, hintMs ?? this.#guessMs())
  }

  /** A throttled credential without a time to wait for. */
  #guessMs(): number {
    const { clock } = this.#context
    const limits = this.#provider.retry
    const want = { again: 'long-backoff', failures: this.#failures, hintMs: undefined } as const
    const leftMs = Number.POSITIVE_INFINITY
    return backoff({ ...want, random: clock.random(), leftMs }, limits) ?? limits.max
  }

  /** Waits until the first throttled credential is free again, where that is within patience. */
  async #awaitCredential(): Promise<boolean> {
    const soonestMs = this.#excluded.soonestMs()
    if (soonestMs === undefined) return false
    // All calls were told the same instant: they come back spread over the first step of a backoff.
    const { base } = this.#provider.retry
    const waitMs = soonestMs + this.#context.clock.random() * base
    if (waitMs >= this.#leftMs()) return this.#stop('time')
    await pause(this.#context, waitMs)
    return true
  }

  #nothingTried(): CallError {
    const { provider, model } = this.#context
    if (this.#refusedMs === undefined) {
      return noneLeft(provider, this.#parts.credentials.asideOf(this.#context))
    }
    return new CallError(
      'breaker-open',
      `Cannot call '${provider}': the breaker of model '${model}' is open`,
      { retryAfterMs: Math.ceil(this.#refusedMs) },
    )
  }
}

/**
 * A bound on the time to the first content: whole answers have none to see before their end, and a call
 * that waits for a replica has asked nobody yet.
 */
function slowOf(context: AmbassadorCall, slowMs: number) {
  if (!context.isStream) return undefined
  const hasNoReplica = () =>
    context.snapshot?.config.providers[context.provider]?.kind === 'vllm' &&
    context.replica === undefined
  return { slowMs, isFlowing: () => context.firstContentMs !== undefined || hasNoReplica() }
}
