/** Tenants whose lengths are remembered. */
const tenantsMax = 1_024
/** Models of one tenant. */
const modelsMax = 64
/** Share of the last answer in the mean. */
const newest = 0.1

/**
 * How many tokens responses in the background come to, by those of the same tenant and model that were
 * settled: what one tenant asks for moves no other's charge. Holds 1,024 tenants with 64 models each, of
 * both those that were settled last.
 */
export class BackgroundLengths {
  /** By tenant and model; the latest last. */
  readonly #means = new Map<string, Map<string, number>>()

  /** Whole tokens; 0 where none was settled. */
  of(tenant: string, model: string): number {
    return Math.ceil(this.#means.get(tenant)?.get(model) ?? 0)
  }

  learn(tenant: string, model: string, tokens: number): void {
    const own = this.#means.get(tenant) ?? new Map<string, number>()
    putLast(this.#means, { key: tenant, value: own, max: tenantsMax })
    const known = own.get(model)
    const mean = known === undefined ? tokens : known + newest * (tokens - known)
    putLast(own, { key: model, value: mean, max: modelsMax })
  }
}

interface Entry<Value> {
  readonly key: string
  readonly value: Value
  readonly max: number
}

function putLast<Value>(map: Map<string, Value>, { key, value, max }: Entry<Value>): void {
  map.delete(key)
  const [oldest] = map.keys()
  if (map.size >= max && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}
