import type { Clock } from '#shared/call/clock.ts'
import type { Credential } from '#shared/config/credential-schema.ts'
import type { Provider } from '#shared/config/schema.ts'
import { type Secrets, secretKey } from '#shared/config/secrets.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Outliers } from '../breaker/outliers.ts'
import type { AmbassadorCall } from '../call.ts'
import { chooseCredential, serves } from '../providers/choose-credential.ts'
import type { Permit } from '../quota/permit.ts'
import { type DimensionView, Quota, type QuotaOptions } from '../quota/quota.ts'
import { RateLimited } from '../quota/rate-limited.ts'
import type { LimitShape } from '../quota/shape.ts'
import { type Outcome, rules } from '../retry/outcome.ts'
import type { Credentials, ObservedAnswer, Turn } from '../retry/retry-parts.ts'
import { credentialIdentity } from './credential-identity.ts'
import { SessionCaches } from './session-caches.ts'
import { settle } from './settling.ts'
import { noCredential, ownCredentials, sessionOf, wantOf } from './want-of.ts'

export interface TurnsParts {
  readonly clock: Clock
  readonly shapeOf: (provider: Provider) => LimitShape
  readonly outliers: Outliers
  /** Told of limits that are configured and that this provider does not have. */
  readonly onUnknownLimits: (unknown: readonly string[], known: readonly string[]) => void
}

/** A credential that was refused is tried again this often: keys come back, and secrets change. */
const deadMs = 30_000

/** What those who wait are told where other kinds of limits hold from then on: they ask again. */
const moved = new Error('Cannot wait: the provider has other limits')

const nobody: ReadonlySet<string> = new Set()

/**
 * Who may ask the provider next, and with which credential: the provider's own limits, those that
 * are put aside, and whoever has been waiting.
 */
export class Turns implements Credentials {
  readonly #parts: TurnsParts
  #quota: Quota | undefined
  #shape: LimitShape | undefined
  readonly #caches = new SessionCaches()
  #credentials: readonly Credential[] = []
  #names: readonly string[] = []

  constructor(parts: TurnsParts) {
    this.#parts = parts
  }

  /** Takes over a configuration and its secrets: a credential without a value has no turns. */
  configure({ config, secrets }: Snapshot, name: string): void {
    const provider = config.providers[name]
    if (provider === undefined) return
    this.#credentials = provider.credentials.filter(
      // Whether Microsoft Entra gives a token shows when one is needed.
      ({ secret }) => secret === undefined || secrets.values.has(secretKey(secret)),
    )
    const isOpen = provider.credentials.length === 0
    this.#names = isOpen ? [noCredential] : this.#credentials.map((credential) => credential.name)
    this.#parts.outliers.retain(this.#names)
    this.#nameUnknownLimits(provider)
    const options = this.#options(provider, secrets)
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

  /** A limit that the provider does not know would bind nothing, without a word. */
  #nameUnknownLimits(provider: Provider): void {
    const known = this.#parts.shapeOf(provider).dimensions.map(({ name }) => name)
    const named = [provider, ...this.#credentials].flatMap(({ limits }) => Object.keys(limits))
    const unknown = [...new Set(named)].filter((name) => !known.includes(name))
    if (unknown.length > 0) this.#parts.onUnknownLimits(unknown, known)
  }

  /** Errors: `rate-limited` with `retryAfterMs`, and the reason of a cancelling. */
  next(
    context: AmbassadorCall,
    excluded: ReadonlySet<string>,
  ): Turn | undefined | Promise<Turn | undefined> {
    const quota = this.#quota
    if (quota === undefined || this.#names.length === 0) return undefined
    const out = this.#outFor(context, excluded)
    try {
      const entered = quota.enter(wantOf(context, this.#factsOf(context, out)))
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
    const excluded = new Set(this.#outFor(context, nobody))
    if (this.#names.includes(noCredential) && !excluded.has(noCredential)) return noCredential
    const wish = { model: context.model, excluded, hasValue: () => true }
    const { random } = this.#parts.clock
    return chooseCredential(this.#credentials, { ...wish, random })?.name
  }

  /** What is believed of the provider's limits, and who waits. */
  get view(): object {
    const { dimensions = [], waiting } = this.#quota ?? {}
    const putAside = this.#names.filter((name) => this.#isBarred(name))
    return { dimensions, waiting, putAside }
  }

  get dimensions(): readonly DimensionView[] {
    return this.#quota?.dimensions ?? []
  }

  get waiting(): { interactive: number; batch: number } {
    return this.#quota?.waiting ?? { interactive: 0, batch: 0 }
  }

  close(): void {
    this.#quota?.close(new CallError('draining', 'Cannot wait: this process is ending'))
  }

  /** Whom the call may not ask: whom it has asked, who is put aside, who may not serve the model. */
  #outFor(context: AmbassadorCall, excluded: ReadonlySet<string>): readonly string[] {
    const { model, tokens } = context
    const known = ownCredentials(context)
    const out = [...excluded]
    const ejected: string[] = []
    let isServed = false
    for (const name of this.#names) {
      const credential = this.#credentials.find((one) => one.name === name)
      const isAble = credential === undefined || serves(credential, model)
      // Microsoft Entra has given none for it yet, or none any more.
      const isTokenless = credential?.entra !== undefined && tokens?.tokenOf(name) === undefined
      // It came with a later configuration than the call's.
      const isUnknown = known?.some((own) => own.name === name) === false
      const isDead = this.#quota?.isBarred(name, model) ?? false
      if (!isAble || isTokenless || isUnknown || isDead) out.push(name)
      else if (this.#parts.outliers.isEjected(name)) ejected.push(name)
      else isServed = true
    }
    // Doing worse with its model than others with theirs, it is still all that the model has.
    return isServed ? [...out, ...ejected] : out
  }

  #options(provider: Provider, secrets: Secrets): QuotaOptions {
    const { queue, accountPercent } = provider
    const own = new Map(this.#credentials.map((credential) => [credential.name, credential]))
    const credentials = this.#names.map((name) => {
      const credential = own.get(name)
      return {
        name,
        weight: credential?.weight ?? 1,
        limits: { ...provider.limits, ...credential?.limits },
        share: accountPercent / 100,
        identity: credential && credentialIdentity(credential, secrets),
      }
    })
    return {
      credentials,
      waitingMax: { interactive: queue.interactive, batch: queue.batch },
      tenantShareMax: queue.tenantPercent / 100,
      batchShare: queue.batchPercent / 100,
    }
  }

  #isBarred(name: string): boolean {
    return (this.#quota?.isBarred(name) ?? false) || this.#parts.outliers.isEjected(name)
  }

  #factsOf(context: AmbassadorCall, excluded: readonly string[]) {
    const session = sessionOf(context)
    if (session === undefined) return { excluded, cachedTokens: 0 }
    return { excluded, cachedTokens: this.#caches.cached(session, this.#parts.clock.now()) }
  }

  #turn(permit: Permit, context: AmbassadorCall): Turn {
    return {
      credential: permit.credential,
      observe: (answer: ObservedAnswer) => permit.observe(answer),
      end: (outcome) => {
        // Before its place is free: whoever waits must not be given a credential that is dead.
        if (outcome !== undefined) this.#judge(permit.credential, outcome, context)
        const used = settle(permit, outcome, context)
        const session = sessionOf(context)
        if (session === undefined || used === undefined) return
        this.#caches.learn(session, used.cached, this.#parts.clock.now())
      },
    }
  }

  #judge(credential: string, outcome: Outcome, { model }: AmbassadorCall): void {
    const { clock, outliers } = this.#parts
    const { breaker } = rules[outcome.kind]
    if (breaker !== 'none') outliers.record(credential, breaker)
    // A server that asks for no key and refuses one is no reason to refuse everybody.
    if (credential === noCredential) return
    if (outcome.kind !== 'dead-credential' && outcome.kind !== 'exhausted') return
    if (outcome.reach === 'call') return
    const untilMs = clock.now() + Math.max(deadMs, outcome.hintMs ?? 0)
    this.#quota?.bar(credential, untilMs, outcome.reach === 'model' ? model : undefined)
  }
}

function refusal(error: unknown, context: AmbassadorCall): undefined {
  if (!(error instanceof RateLimited)) throw error
  if (error.reason === 'no-credential') return undefined
  const { reason, retryAfterMs } = error
  const { provider } = context
  throw new CallError('rate-limited', error.message, { provider, reason, retryAfterMs })
}
