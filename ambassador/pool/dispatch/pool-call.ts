import type { Chain } from '../prefix/chain.ts'

/** One call as the choice of a replica sees it. */
export interface PoolCall {
  readonly id: string
  /** Of the prompt. */
  readonly tokens: number
  readonly chain: Chain
  /** Empty for the base model. */
  readonly adapter: string
  readonly tenant: string
  /** The tenant's share against others' of its class, above 0; 1 where absent. */
  readonly weight?: number | undefined
  /** Whether a replica has what it asks for, as far as is known at the time; absent, all have. */
  readonly mayServe?: ((replica: { readonly origin: string }) => boolean) | undefined
  /** A configured class, such as `interactive` or `batch`. */
  readonly class: string
  /** Milliseconds on the pool's clock. */
  readonly arrivedMs: number
  /** The most tokens it may generate. */
  readonly outputMax: number
  /** What keeps the calls of one conversation together, for policies that ask for it; may be empty. */
  readonly session: string
}
