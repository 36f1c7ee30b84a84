import type { LimitUnit } from '#shared/config/limit-schema.ts'

/** What one call uses, or is expected to use, of everything that can be limited. */
export interface Quantities {
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** In 10^-12 US dollars; undefined where the model has no known price. */
  readonly picoUsd: bigint | undefined
}

/** A call that came to no provider. */
export const nothing: Quantities = { requests: 0, inputTokens: 0, outputTokens: 0, picoUsd: 0n }

/** How much of `unit` there is in `quantities`. */
export function quantityOf(unit: LimitUnit, quantities: Quantities): bigint | undefined {
  const { requests, inputTokens, outputTokens, picoUsd } = quantities
  switch (unit) {
    case 'requests':
      return BigInt(requests)
    case 'tokens':
      return BigInt(inputTokens + outputTokens)
    case 'inputTokens':
      return BigInt(inputTokens)
    case 'outputTokens':
      return BigInt(outputTokens)
    case 'usd':
      return picoUsd
  }
}

/** What has become of a call. */
export interface Spending {
  /** Whether any attempt came as far as the provider. */
  readonly hasReached: boolean
  /** Settled tokens, exact or estimated. */
  readonly usage: { readonly input: number; readonly output: number }
  readonly picoUsd: bigint | undefined
}

/**
 * What a call has used: nothing where it never reached the provider; else one request, however
 * often it was tried, and its settled tokens and cost.
 */
export function spentOn({ hasReached, usage, picoUsd }: Spending): Quantities {
  if (!hasReached) return nothing
  return { requests: 1, inputTokens: usage.input, outputTokens: usage.output, picoUsd }
}
