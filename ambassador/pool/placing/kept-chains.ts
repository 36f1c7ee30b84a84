import type { HashSeed } from '../prefix/hash.ts'
import { chainOf, type GrowingChain, type Prompt } from './prompt-of.ts'

/** The chains of prompts, each made once for a block size: a call that waits may be submitted again. */
export class KeptChains {
  readonly #seed: HashSeed
  readonly #chains = new WeakMap<
    Prompt,
    { readonly blockTokens: number; readonly chain: GrowingChain }
  >()

  constructor(seed: HashSeed) {
    this.#seed = seed
  }

  of(prompt: Prompt, blockTokens: number): GrowingChain {
    const known = this.#chains.get(prompt)
    if (known?.blockTokens === blockTokens) return known.chain
    const chain = chainOf(prompt, blockTokens, this.#seed)
    this.#chains.set(prompt, { blockTokens, chain })
    return chain
  }
}
