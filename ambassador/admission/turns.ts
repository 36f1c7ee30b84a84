import type { Clock } from '#shared/call/clock.ts'
import type { Credential } from '#shared/config/credential-schema.ts'
import type { Provider } from '#shared/config/schema.ts'
import { secretKey } from '#shared/config/secrets.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Outliers } from '../breaker/outliers.ts'
import type { AmbassadorCall } from '../call.ts'
import { serves } from '../providers/choose-credential.ts'
import type { Permit } from '../quota/permit.ts'
import { type DimensionView, Quota, type QuotaOptions } from '../quota/quota.ts'
import { RateLimited } from '../quota/rate-limited.ts'
import type { LimitShape } from '../quota/shape.ts'
import { type Outcome, rules } from '../retry/outcome.ts'
import type { Credentials, ObservedAnswer, Turn } from '../retry/retry-parts.ts'

export interface TurnsParts {
  readonly clock: Clock
  readonly shapeOf: (provider: Provider) => LimitShape
  readonly outliers: Outliers
  /** Told of limits that are configured and that this provider does not have. */
  readonly onUnknownLimits: (unknown: readonly string[], known: readonly string[]) => void
}

/** A credential that was refused is tried again this often: keys come back, and secrets change. */
const deadMs = 30_000

/** Where a provider asks for no credential, calls still have their turn. */
const noCredential = ''

/**
 * Who may ask the provider next, and with which credential: the provider's own limits, those that
 * are put aside, and whoever has been waiting.
 */
export class Turns implements Credentials {
  readonly #parts: TurnsParts
  #quota: Quota | undefined
  #shape: LimitShape | undefined
  /** Instants until which a credential is not asked, by name: at most one for each configured. */
  readonly #deadUntilMs = new Map<string, number>()
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
    // A changed secret is a new chance.
    this.#deadUntilMs.clear()
    this.#parts.outliers.retain(this.#names)
    this.#nameUnknownLimits(provider)
    const options = this.#options(provider)
    const shape = this.#parts.shapeOf(provider)
    if (this.#quota !== undefined && shape === this.#shape) {
      this.#quota.configure(options)
      return
    }
    this.close()
    this.#shape = shape
    this.#quota = new Quota({ clock: this.#parts.clock, shape }, options)
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
      const entered = quota.enter(wantOf(context, out))
      if (!(entered instanceof Promise)) return this.#turn(entered, context)
      return entered.then(
        (permit) => this.#turn(permit, context),
        (error: unknown) => refusal(error, context),
      )
    } catch (error) {
      return refusal(error, context)
    }
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
  #outFor({ model, tokens }: AmbassadorCall, excluded: ReadonlySet<string>): readonly string[] {
    const out = [...excluded]
    const ejected: string[] = []
    let isServed = false
    for (const name of this.#names) {
      const credential = this.#credentials.find((one) => one.name === name)
      const isAble = credential === undefined || serves(credential, model)
      // Microsoft Entra has given none for it yet, or none any more.
      const isTokenless = credential?.entra !== undefined && tokens?.tokenOf(name) === undefined
      if (!isAble || isTokenless || this.#isDead(name)) out.push(name)
      else if (this.#parts.outliers.isEjected(name)) ejected.push(name)
      else isServed = true
    }
    // Doing worse with its model than others with theirs, it is still all that the model has.
    return isServed ? [...out, ...ejected] : out
  }

  #options(provider: Provider): QuotaOptions {
    const { queue, accountPercent } = provider
    const own = new Map(this.#credentials.map((credential) => [credential.name, credential]))
    const credentials = this.#names.map((name) => ({
      name,
      weight: own.get(name)?.weight ?? 1,
      limits: { ...provider.limits, ...own.get(name)?.limits },
      share: accountPercent / 100,
    }))
    return {
      credentials,
      waitingMax: { interactive: queue.interactive, batch: queue.batch },
      tenantShareMax: queue.tenantPercent / 100,
      batchShare: queue.batchPercent / 100,
    }
  }

  #isBarred(name: string): boolean {
    return this.#isDead(name) || this.#parts.outliers.isEjected(name)
  }

  #isDead(name: string): boolean {
    return (this.#deadUntilMs.get(name) ?? 0) > this.#parts.clock.now()
  }

  #turn(permit: Permit, context: AmbassadorCall): Turn {
    return {
      credential: permit.credential,
      observe: (answer: ObservedAnswer) => permit.observe(answer),
      end: (outcome) => {
        if (outcome === undefined || outcome.kind === 'unsent' || outcome.kind === 'ours') {
          permit.release()
          return
        }
        this.#judge(permit.credential, outcome)
        permit.settle(usedBy(context))
      },
    }
  }

  #judge(credential: string, outcome: Outcome): void {
    const { clock, outliers } = this.#parts
    const { breaker } = rules[outcome.kind]
    if (breaker !== 'none') outliers.record(credential, breaker)
    // A server that asks for no key and refuses one is no reason to refuse everybody.
    if (credential === noCredential) return
    const isDead = outcome.kind === 'dead-credential' || outcome.kind === 'exhausted'
    if (!isDead || outcome.reach !== 'credential' || !this.#names.includes(credential)) return
    this.#deadUntilMs.set(credential, clock.now() + Math.max(deadMs, outcome.hintMs ?? 0))
  }
}

function refusal(error: unknown, context: AmbassadorCall): undefined {
  if (!(error instanceof RateLimited)) throw error
  if (error.reason === 'no-credential') return undefined
  const { reason, retryAfterMs } = error
  const { provider } = context
  throw new CallError('rate-limited', error.message, { provider, reason, retryAfterMs })
}

function wantOf(context: AmbassadorCall, excluded: readonly string[]) {
  const { tenant, class: of, model, inputEstimate, session, clock, cancellation } = context
  return {
    tenant,
    weight: context.snapshot?.config.tenants[tenant]?.weight ?? 1,
    class: of,
    model,
    inputTokens: inputEstimate,
    cachedTokens: 0,
    outputTokensMax: context.outputMax,
    session: session === undefined ? undefined : `${tenant} ${session}`,
    patienceMs: Math.max(0, context.patienceUntilMs - clock.now()),
    cancellation,
    excluded,
  }
}

/** What the provider says it used; undefined where it has said nothing. */
function usedBy({ usage, streamWatch }: AmbassadorCall) {
  const known = usage ?? streamWatch?.usage
  return known && { input: known.input, cached: known.cached, output: known.output }
}
