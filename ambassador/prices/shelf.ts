import type { Config, Provider } from '#shared/config/schema.ts'
import { PriceBook } from './price-book.ts'
import { type PriceSource, priceSource } from './price-source.ts'
import type { PublishedProvider } from './published-schema.ts'

export interface ShelfParts {
  readonly provider: string
  /** Reads what is published; slow, and most of it is not kept. */
  readonly load: () => Promise<readonly PublishedProvider[]>
  /** Told where prices cannot be had: the policy for unknown prices then decides. */
  readonly onProblem: (error: unknown) => void
}

/** The price books of one ambassador: one a configuration, all over the same published prices. */
export class PriceShelf {
  readonly #parts: ShelfParts
  readonly #books = new WeakMap<Config, PriceBook>()
  #source: PriceSource | undefined
  #address = ''
  #isLoading = false

  constructor(parts: ShelfParts) {
    this.#parts = parts
  }

  /** False while published prices are read: calls would cost nobody knows what. */
  get isReady(): boolean {
    return !this.#isLoading
  }

  /** Sees to it that the published prices are those of this provider. */
  apply(provider: Provider): void {
    const baseUrl = baseUrlOf(provider)
    const address = `${provider.kind} ${baseUrl}`
    // Nobody publishes prices of servers of one's own.
    if (address === this.#address || provider.kind === 'vllm') return
    this.#address = address
    this.#isLoading = true
    this.#load({ kind: provider.kind, baseUrl }, address).catch(this.#parts.onProblem)
  }

  /** Where the configuration no longer names the provider nobody asks. */
  bookFor(config: Config): PriceBook | undefined {
    const provider = config.providers[this.#parts.provider]
    if (provider === undefined) return undefined
    const known = this.#books.get(config)
    if (known !== undefined) return known
    const book = new PriceBook({
      source: this.#source,
      baseUrl: baseUrlOf(provider),
      prices: provider.prices,
      unknownPrice: provider.unknownPrice,
    })
    if (this.isReady) this.#books.set(config, book)
    return book
  }

  async #load(
    address: { readonly kind: Provider['kind']; readonly baseUrl: string | undefined },
    key: string,
  ): Promise<void> {
    try {
      const source = priceSource(await this.#parts.load(), address)
      if (this.#address === key) this.#source = source
    } finally {
      if (this.#address === key) this.#isLoading = false
    }
  }
}

function baseUrlOf(provider: Provider): string | undefined {
  return provider.kind === 'vllm' ? undefined : provider.baseUrl
}
