import type { Clock } from '#shared/call/clock.ts'
import type { Provider } from '#shared/config/schema.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Outliers } from '../breaker/outliers.ts'
import type { AmbassadorCall } from '../call.ts'
import { chooseCredential, serves } from '../providers/choose-credential.ts'
import type { Answer } from '../quota/credential.ts'
import type { Permit } from '../quota/permit.ts'
import { type DimensionView, Quota } from '../quota/quota.ts'
import { RateLimited } from '../quota/rate-limited.ts'
import type { LimitShape, Unit } from '../quota/shape.ts'
import { type Aside, Asides } from '../retry/asides.ts'
import { type Outcome, rules } from '../retry/outcome.ts'
import type { Credentials, ObservedAnswer, Turn } from '../retry/retry-parts.ts'
import { strangersTo } from '../stored/strangers.ts'
import { AnswerTimes } from './answer-times.ts'
import { noCredential, type OwnCredential, OwnCredentials } from './own-credentials.ts'
import { quotaOptions } from './quota-options.ts'
import { SessionCaches } from './session-caches.ts'
import { settle, type UsedTokens } from './settling.ts'
import { sessionOf, type WantFacts, wantOf } from './want-of.ts'

export interface TurnsParts {
  readonly clock: Clock
  readonly shapeOf: (provider: Provider) => LimitShape
  readonly outliers: Outliers
}

/** A credential that was refused is tried again this often: keys come back, and secrets change. */
const deadMs = 30_000

/** What those who wait are told where other kinds of limits hold from then on: they ask again. */
const moved = new Error('Cannot wait: the provider has other limits')

/**
 * Who may ask the provider next, and with which credential: the provider's own limits, those that
 * are put aside, and whoever has been waiting.
 */
export class Turns implements Credentials {
  readonly #parts: TurnsParts
  readonly #caches = new SessionCaches()
  readonly #owners = new OwnCredentials()
  readonly #answerTimes = new AnswerTimes()
  readonly #asides: Asides
  #quota: Quota | undefined
  #shape: LimitShape | undefined
  /** Of the latest configuration. */
  #own: readonly OwnCredential[] = []

  constructor(parts: TurnsParts) {
    this.#parts = parts
    this.#asides = new Asides(parts.clock)
  }

  /** Takes over a configuration and its secrets: a credential without a value has no turns. */
  configure(snapshot: Snapshot, name: string): void {
    const provider = snapshot.config.providers[name]
    if (provider === undefined) return
    this.#own = this.#owners.of(snapshot, name)
    this.#parts.outliers.retain(this.#own.map((own) => own.name))
    const { classes } = snapshot.config
    const options = quotaOptions({ ...provider, classes }, this.#own)
    const shape = this.#parts.shapeOf(provider)
    if (this.#quota !== undefined && shape === this.#shape) {
      this.#quota.configure(options)
      return
    }
    const before = this.#quota
    this.#shape = shape
    this.#quota = new Quota({ clock: this.#parts.clock, shape }, options)
    before?.close(moved)
  }

  /** Errors: `rate-limited` with `retryAfterMs`, and the reason of a cancelling. */
  next(
    context: AmbassadorCall,
    excluded: ReadonlySet<string>,
  ): Turn | undefined | Promise<Turn | undefined> {
    const quota = this.#quota
    if (quota === undefined) return undefined
    try {
      const entered = quota.enter(wantOf(context, this.#factsOf(context, excluded)))
      if (!(entered instanceof Promise)) return this.#turn(entered, context)
      return entered.then(
        (permit) => this.#turn(permit, context),
        (error: unknown) =>
          error === moved ? this.next(context, excluded) : refusal(error, context),
      )
    } catch (error) {
      return refusal(error, context)
    }
  }

  /**
   * A credential for a question that takes no turn, by weight: none that is put aside. Undefined
   * where there is none.
   */
  pickFor(context: AmbassadorCall): string | undefined {
    const own = this.#ownOf(context)
    if (own[0]?.name === noCredential) return noCredential
    const excluded = new Set(this.#outFor(context, new Set(strangersTo(context))))
    const credentials = own.flatMap(({ settings }) => settings ?? [])
    const wish = { model: context.model, excluded, hasValue: () => true }
    return chooseCredential(credentials, { ...wish, random: this.#parts.clock.random })?.name
  }

  /** How a question that took no turn was refused: a credential that is dead or exhausted is put aside. */
  judge(context: AmbassadorCall, credential: string, outcome: Outcome): void {
    const own = this.#ownOf(context).find(({ name }) => name === credential)
    const bar = this.#barOf(outcome, context)
    if (own === undefined || credential === noCredential || bar === undefined) return
    this.#asides.note(credential, bar.model, bar)
    this.#quota?.bar(own, bar.untilMs, bar.model)
  }

  asideOf(context: AmbassadorCall): Aside | undefined {
    const { model } = context
    const strangers = strangersTo(context)
    const own = this.#ownOf(context).filter(
      (one) => !strangers.includes(one.name) && this.#quota?.isBarred(one, model),
    )
    const able = own.filter(({ settings }) => settings === undefined || serves(settings, model))
    return this.#asides.first(
      able.map(({ name }) => name),
      model,
    )
  }

  /** What is believed of the provider's limits, and who waits. */
  get view(): object {
    const { dimensions = [], waiting } = this.#quota ?? {}
    const putAside = this.#own.filter((own) => this.#isBarred(own)).map(({ name }) => name)
    return { dimensions, waiting, putAside }
  }

  get dimensions(): readonly DimensionView[] {
    return this.#quota?.dimensions ?? []
  }

  /** Calls that wait, by class. */
  get waiting(): ReadonlyMap<string, number> {
    return this.#quota?.byClass ?? new Map()
  }

  close(): void {
    this.#quota?.close(new CallError('draining', 'Cannot wait: this process is ending'))
  }

  /** Whom the call may not ask: whom it has asked, who is put aside, who may not serve the model. */
  #outFor(context: AmbassadorCall, excluded: ReadonlySet<string>): readonly string[] {
    const { model, tokens } = context
    const out = [...excluded]
    const ejected: string[] = []
    let isServed = false
    for (const own of this.#ownOf(context)) {
      const { name, settings } = own
      const isAble = settings === undefined || serves(settings, model)
      // Microsoft Entra has given none for it yet, or none any more.
      const isTokenless = settings?.entra !== undefined && tokens?.tokenOf(name) === undefined
      const isDead = this.#quota?.isBarred(own, model) ?? false
      if (!isAble || isTokenless || isDead) out.push(name)
      else if (this.#parts.outliers.isEjected(name)) ejected.push(name)
      else isServed = true
    }
    // Doing worse with its model than others with theirs, it is still all that the model has.
    return isServed ? [...out, ...ejected] : out
  }

  /** Those of the configuration that the call began with: it holds the secrets of no other. */
  #ownOf({ snapshot, provider }: AmbassadorCall): readonly OwnCredential[] {
    return snapshot === undefined ? this.#own : this.#owners.of(snapshot, provider)
  }

  #isBarred(own: OwnCredential): boolean {
    return (this.#quota?.isBarred(own) ?? false) || this.#parts.outliers.isEjected(own.name)
  }

  #factsOf(context: AmbassadorCall, excluded: ReadonlySet<string>): WantFacts {
    const session = sessionOf(context)
    const cached = session === undefined ? 0 : this.#caches.cached(session, this.#parts.clock.now())
    return {
      excluded: this.#outFor(context, excluded),
      among: this.#ownOf(context),
      // The question may be shorter than the one that told of it.
      cachedTokens: Math.min(cached, context.inputEstimate),
      answerMs: this.#answerTimes.quickMs(context.model, context.isStream),
    }
  }

  #turn(permit: Permit, context: AmbassadorCall): Turn {
    const sentMs = this.#parts.clock.now()
    let isRefused = false
    return {
      credential: permit.credential,
      observe: (answer: ObservedAnswer) => {
        isRefused ||= answer.status === 429
        permit.observe(answer)
      },
      end: (outcome) => {
        // Said inside a 200, before its first content: its head has told of no refusal.
        const isSaid = !isRefused && context.firstContentMs === undefined
        if (outcome?.kind === 'throttled' && isSaid) permit.observe(refusalOf(outcome))
        // Before its place is free: whoever waits must not be given a credential that is dead.
        if (outcome !== undefined) this.#judge(permit, outcome, context)
        const used = settle(permit, outcome, context)
        this.#learn(context, sentMs, used)
      },
    }
  }

  /** What its end tells of the calls after it. */
  #learn(context: AmbassadorCall, sentMs: number, used: UsedTokens | undefined): void {
    const { model, isStream, startedMs, firstContentMs } = context
    if (firstContentMs !== undefined) {
      this.#answerTimes.learn(model, isStream, startedMs + firstContentMs - sentMs)
    }
    const session = sessionOf(context)
    if (session === undefined || used === undefined) return
    this.#caches.learn(session, used.cached, this.#parts.clock.now())
  }

  #judge(permit: Permit, outcome: Outcome, context: AmbassadorCall): void {
    const { outliers } = this.#parts
    const { credential } = permit
    const { breaker } = rules[outcome.kind]
    if (breaker !== 'none') outliers.record(credential, breaker)
    // A server that asks for no key and refuses one is no reason to refuse everybody.
    if (credential === noCredential) return
    const bar = this.#barOf(outcome, context)
    if (bar === undefined) return
    this.#asides.note(credential, bar.model, bar)
    permit.bar(bar.untilMs, bar.model)
  }

  /** For how long and for what a credential is put aside; undefined where it is not. */
  #barOf(outcome: Outcome, { model }: AmbassadorCall) {
    if (outcome.kind !== 'dead-credential' && outcome.kind !== 'exhausted') return undefined
    if (outcome.reach === 'call') return undefined
    const untilMs = this.#parts.clock.now() + Math.max(deadMs, outcome.hintMs ?? 0)
    const { kind, reach } = outcome
    return { kind, untilMs, model: reach === 'model' ? model : undefined }
  }
}

/** A refusal without a head, in the words of one that has one. */
function refusalOf({ dimension, hintMs }: Throttled): Answer {
  return {
    status: 429,
    headers: [],
    body: undefined,
    said: { unit: unitOf(dimension), waitMs: hintMs },
  }
}

type Throttled = Extract<Outcome, { readonly kind: 'throttled' }>

/** Of a day it says no unit. */
function unitOf(dimension: Throttled['dimension']): Unit | undefined {
  return dimension === 'day' ? undefined : dimension
}

function refusal(error: unknown, context: AmbassadorCall): undefined {
  if (!(error instanceof RateLimited)) throw error
  if (error.reason === 'no-credential') return undefined
  const { reason, retryAfterMs, excess } = error
  const { provider } = context
  if (excess !== undefined) {
    // No wait helps: neither a time to come back at nor a second try of its SDK.
    const facts = { provider, reason, ...excess, isFinal: true }
    throw new CallError('rate-limited', error.message, facts)
  }
  throw new CallError('rate-limited', error.message, { provider, reason, retryAfterMs })
}
