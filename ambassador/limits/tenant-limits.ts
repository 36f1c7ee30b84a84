import {
  amountOf,
  type LimitEntry,
  type LimitSpan,
  type LimitUnit,
  limitIdentity,
} from '#shared/config/limit-schema.ts'
import { allTargets, type Model } from '#shared/config/target-schema.ts'
import { usd } from '../prices/money.ts'
import { counterKey } from './store.ts'

/** The part of the configuration that says what tenants may spend. */
export interface LimitConfig {
  readonly models: Readonly<Record<string, Pick<Model, 'rules' | 'targets'>>>
  readonly tenants: Readonly<Record<string, TenantEntry>>
}

interface TenantEntry {
  readonly limits: readonly LimitEntry[]
  readonly concurrency?: number | undefined
  readonly outputReserve: number
}

/** Which calls of a tenant a limit counts. */
export interface Asked {
  /** The model in the provider's words. */
  readonly model: string
  readonly class: string
}

/** One limit of one tenant, ready to be applied. */
export class TenantLimit {
  readonly unit: LimitUnit
  readonly span: LimitSpan
  /** In the counter's unit: requests, tokens or pico-dollars. */
  readonly limit: bigint
  /** Which calls it counts, in words that follow "per minute"; empty where it counts all. */
  readonly scope: string
  readonly #identity: readonly string[]
  /** Counters by served model; one for all of them under the empty name. */
  readonly #keys: ReadonlyMap<string, string>
  readonly #isEach: boolean
  readonly #models: ReadonlySet<string> | undefined
  readonly #classes: readonly string[] | undefined

  /** `served`: the models that this provider serves of those that `entry` names. */
  constructor(tenant: string, entry: LimitEntry, served: ReadonlySet<string>) {
    const { unit, amount } = amountOf(entry)
    this.unit = unit
    this.span = entry.per
    this.limit = unit === 'usd' ? usd(String(amount)) : BigInt(amount)
    this.scope = scopeOf(entry)
    this.#isEach = entry.each === 'model'
    this.#models = entry.models === undefined ? undefined : served
    this.#classes = entry.classes
    this.#identity = [tenant, limitIdentity(entry)]
    const names = this.#isEach ? [...served] : ['']
    this.#keys = new Map(names.map((name) => [name, counterKey([...this.#identity, name])]))
  }

  /** The key of the counter that counts this call; undefined where the limit does not. */
  keyFor({ model, class: of }: Asked): string | undefined {
    if (this.#classes !== undefined && !this.#classes.includes(of)) return undefined
    if (this.#models !== undefined && !this.#models.has(model)) return undefined
    const by = this.#isEach ? model : ''
    // A call that began with an earlier configuration may name a model that left with it.
    return this.#keys.get(by) ?? counterKey([...this.#identity, by])
  }

  /** Its counters' keys by served model, which is empty where one counts for all. */
  get keys(): ReadonlyMap<string, string> {
    return this.#keys
  }
}

/** What one tenant may use of one provider. */
export interface TenantLimits {
  readonly limits: readonly TenantLimit[]
  readonly concurrency: number | undefined
  readonly outputReserve: number
  /** Whether any limit counts money, so that a call's cost has to be known before. */
  readonly countsMoney: boolean
}

/**
 * The limits of all tenants, by tenant. A limit's `models` are names of the configuration; it
 * counts by the target that serves, since the name asked for is only what the caller claims.
 */
export function compileLimits(
  { models, tenants }: LimitConfig,
  provider: string,
): Map<string, TenantLimits> {
  const servedBy = (names: readonly string[]) =>
    new Set(
      names.flatMap((name) =>
        allTargets(models[name] ?? none)
          .filter((target) => target.provider === provider)
          .map((target) => target.model),
      ),
    )
  const all = servedBy(Object.keys(models))
  return new Map(
    Object.entries(tenants).map(([tenant, entry]) => {
      const limits = entry.limits.map(
        (limit) =>
          new TenantLimit(tenant, limit, limit.models === undefined ? all : servedBy(limit.models)),
      )
      const countsMoney = limits.some(({ unit }) => unit === 'usd')
      const { concurrency, outputReserve } = entry
      return [tenant, { limits, concurrency, outputReserve, countsMoney }]
    }),
  )
}

/** A name that the configuration has not, which its checks refuse. */
const none: Pick<Model, 'rules' | 'targets'> = { rules: [], targets: [] }

function scopeOf({ models, classes, each }: LimitEntry): string {
  const ofModels = models === undefined ? '' : ` for ${models.join(', ')}`
  const ofClasses = classes === undefined ? '' : ` of class ${classes.join(', ')}`
  return `${ofModels}${ofClasses}${each === undefined ? '' : ' by model'}`
}
