/** How calls are placed. Milliseconds are of a replica's time. */
export interface DispatchSettings {
  /** How many times a call's own prefill counts once more, for the cache it takes from others. */
  readonly spreadPrice: number
  /** What each call in flight at a replica costs those beside it. */
  readonly runningMs: number
  /** Part of the expected growth of the answers under way that must find room, 0 to 1. */
  readonly growth: number
  /** Uncached prompt tokens that may wait at a replica before calls are held back from it. */
  readonly queuedTokensMax: number
  /** How much sooner a call's turn comes for each millisecond it has waited. */
  readonly ageing: number
  /** Calls that wait and are looked at, from the first one on. */
  readonly window: number
  /** Prompts among this part of the largest may have a replica kept for them, 0 to 1. */
  readonly largeShare: number
  /** When it has waited this long; infinite: never. */
  readonly earmarkMs: number
  /** How long a replica that is kept still takes calls that should not delay the large one. */
  readonly hardMs: number
}

/** The largest prompts wait no longer than elsewhere. */
export const fair: DispatchSettings = {
  spreadPrice: 10,
  runningMs: 10,
  growth: 0,
  queuedTokensMax: 32_768,
  ageing: 0.03,
  window: 256,
  largeShare: 0.02,
  earmarkMs: 2_000,
  hardMs: 2_000,
}

/** The least mean time to the first token; the largest prompts pay for it above capacity. */
export const fast: DispatchSettings = { ...fair, earmarkMs: Number.POSITIVE_INFINITY }
