import { compileMatch, dashDates, type NameMatch } from './match-name.ts'
import { type Period, periodsOf } from './price-list.ts'
import { type PublishedProvider, parseModels } from './published-schema.ts'

/** The published prices of one provider, and of those whose models it serves besides. */
export interface PriceSource {
  /** The provider's name in the package of prices: `openai`, `anthropic`, `groq`, `x-ai`. */
  readonly id: string
  /**
   * The periods of the model that `name` means; undefined where it means none. Goes through the
   * source's models, up to some hundred of them, each time.
   */
  find(name: string): readonly Period[] | undefined
}

/** Which provider a configuration means. */
export interface ProviderAddress {
  readonly kind: string
  readonly baseUrl: string | undefined
}

/** Kinds that are one company, whatever stands before its API. */
const companies: ReadonlyMap<string, string> = new Map([
  ['openai', 'openai'],
  ['anthropic', 'anthropic'],
  ['azure', 'azure'],
  ['azure-openai', 'azure'],
])

interface Model {
  readonly matches: NameMatch
  readonly periods: readonly Period[]
}

/**
 * The prices of the provider at `address`: by its kind where that is one company, else by its base
 * URL. Undefined where nobody publishes any, as for servers of one's own.
 *
 * @throws Error where its models are malformed; those of other providers are not looked at.
 */
export function priceSource(
  published: readonly PublishedProvider[],
  { kind, baseUrl }: ProviderAddress,
): PriceSource | undefined {
  const company = companies.get(kind)
  const own = published.find(({ id, api_pattern }) =>
    company === undefined
      ? baseUrl !== undefined && new RegExp(`^(?:${api_pattern})`).test(baseUrl)
      : id === company,
  )
  if (own === undefined) return undefined
  const others = own.fallback_model_providers.flatMap((id) =>
    published.filter((provider) => provider.id === id),
  )
  const models = [own, ...others]
    .flatMap(parseModels)
    .map((model): Model => ({ matches: compileMatch(model.match), periods: periodsOf(model) }))
  const find = (name: string) => models.find(({ matches }) => matches(name))?.periods
  return {
    id: own.id,
    find: (given) => {
      const name = given.toLowerCase().trim()
      const dashed = dashDates(name)
      return find(name) ?? (dashed === name ? undefined : find(dashed))
    },
  }
}
