import type { PriceEntry, UnknownPrice } from '#shared/config/price-schema.ts'
import { publishedModifiers, publishedUplift } from './modifiers.ts'
import { type Fraction, one } from './money.ts'
import { type Override, overrideOf } from './override.ts'
import type { Basis, Price } from './price.ts'
import { listAt, type Period, type PriceList } from './price-list.ts'
import type { PriceSource } from './price-source.ts'
import { publisher } from './publisher.ts'

/** What is to be done with a call to a model: closed, so that every caller decides each case. */
export type Pricing =
  | { readonly kind: 'priced'; readonly price: Price }
  /** Served; its cost stays unknown and is shown as such. */
  | { readonly kind: 'unknown' }
  /** Not served: policy wants a price. */
  | { readonly kind: 'refused' }

/** What one snapshot of the configuration says of one provider's prices. */
export interface PriceBookParts {
  /** Undefined where nobody publishes prices of this provider. */
  readonly source: PriceSource | undefined
  readonly baseUrl: string | undefined
  /** By the provider's name of the model. */
  readonly prices: Readonly<Record<string, PriceEntry>>
  readonly unknownPrice: UnknownPrice
}

/** Names kept with what they mean: applications choose names, and a search costs microseconds. */
const namesMax = 512

/** No model has a longer name; the search in a text of megabytes would take that long. */
const nameLengthMax = 256

/** A model's prices, apart from the hour. */
interface Entry {
  readonly periods: readonly Period[] | undefined
  readonly override: Override | undefined
  readonly modifiers: ReadonlyMap<string, Fraction>
  readonly uplift: Fraction
}

/** The prices of one provider under one configuration. */
export class PriceBook {
  readonly #source: PriceSource | undefined
  readonly #baseUrl: string | undefined
  readonly #overrides: ReadonlyMap<string, Override>
  readonly #policy: 'allow' | 'refuse'
  readonly #flat: Price | undefined
  readonly #entries = new Map<string, Entry>()

  constructor({ source, baseUrl, prices, unknownPrice }: PriceBookParts) {
    this.#source = source
    this.#baseUrl = baseUrl
    const overrides = Object.entries(prices).map(
      ([name, given]) => [name, overrideOf(given)] as const,
    )
    this.#overrides = new Map(overrides)
    this.#policy = unknownPrice === 'refuse' ? 'refuse' : 'allow'
    this.#flat =
      typeof unknownPrice === 'string' ? undefined : flatPrice(overrideOf(unknownPrice.flat))
  }

  /**
   * The price of `model` for a call that begins at `atMs`, ms since 1970: the configuration's, else
   * the published one, else what the policy for unknown prices says.
   */
  priceOf(model: string, atMs: number): Pricing {
    const entry = this.#entryOf(model)
    const published = entry.periods === undefined ? undefined : listAt(entry.periods, atMs)
    const list = entry.override === undefined ? published : entry.override.over(published)
    if (list !== undefined) return { kind: 'priced', price: priceFrom(list, entry) }
    if (this.#flat !== undefined) return { kind: 'priced', price: this.#flat }
    return { kind: this.#policy === 'refuse' ? 'refused' : 'unknown' }
  }

  /** Who sells, as the published prices name it; undefined where nobody publishes any. */
  get seller(): string | undefined {
    return this.#source?.id
  }

  /** Names under `prices` whose `sameAs` no published model answers to, and that give no price. */
  unresolved(atMs: number): readonly string[] {
    return [...this.#overrides]
      .filter(([name, override]) => {
        const { periods } = this.#entryOf(name)
        const published = periods === undefined ? undefined : listAt(periods, atMs)
        return override.over(published) === undefined
      })
      .map(([name]) => name)
  }

  #entryOf(model: string): Entry {
    const known = this.#entries.get(model)
    if (known !== undefined) return known
    const entry = this.#search(model)
    if (model.length > nameLengthMax) return entry
    if (this.#entries.size >= namesMax) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(model, entry)
    return entry
  }

  #search(model: string): Entry {
    const override = this.#overrides.get(model)
    const name = (override?.sameAs ?? model).slice(0, nameLengthMax).toLowerCase()
    // A price of one's own stands by itself: only `sameAs` takes over what it leaves out.
    const isOwn = override !== undefined && override.sameAs === undefined
    return {
      periods: isOwn || model.length > nameLengthMax ? undefined : this.#source?.find(name),
      override,
      modifiers: new Map([
        ...publishedModifiers(this.#source?.id, name),
        ...(override?.factors ?? []),
      ]),
      uplift: isOwn ? one : publishedUplift(this.#baseUrl, name),
    }
  }
}

function priceFrom(list: PriceList, { override, modifiers, uplift }: Entry): Price {
  const basis: Basis = override === undefined ? 'published' : 'override'
  const pricedAt =
    override === undefined || override.sameAs !== undefined ? publisher.date : undefined
  return { ...list, basis, pricedAt, modifiers, uplift }
}

function flatPrice(override: Override): Price | undefined {
  const list = override.over(undefined)
  if (list === undefined) return undefined
  const { factors: modifiers } = override
  return { ...list, basis: 'flat', pricedAt: undefined, modifiers, uplift: one }
}
