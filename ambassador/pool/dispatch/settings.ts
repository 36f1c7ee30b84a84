/** How calls are placed. Milliseconds are of a replica's time where nothing else is said. */
export interface DispatchSettings {
  /** How many times a call's own prefill counts once more, while no call waits (see SpreadPrice). */
  readonly spreadPrice: number
  /** The same where a call waits for each replica, or more. */
  readonly crowdedSpreadPrice: number
  /**
   * How many times it counts what it would compute elsewhere and has cached at its best replica, before
   * it goes elsewhere instead of waiting.
   */
  readonly copyPrice: number
  /** What each call in flight at a replica costs. */
  readonly runningMs: number
  /** Uncached prompt tokens that may wait at a replica before calls are held back from it. */
  readonly queuedTokensMax: number
  /** Loading a LoRA adapter, and what it pushes out. */
  readonly adapterLoadMs: number
  /** How much sooner a call's turn comes for each millisecond it has waited. */
  readonly ageing: number
  /** Calls that wait and are looked at when something has changed, the first ones. */
  readonly window: number
  /** A prompt among this part of the largest, 0 to 1, may have a replica kept for it; 0: never. */
  readonly largeShare: number
  /** When it has waited this long, by the clock. */
  readonly keepMs: number
  /** How long a kept replica still takes calls that should not delay the large one, by the clock. */
  readonly backfillMs: number
  /** How far tenants of equal weight may be apart in what they have had, for shorter calls to go first. */
  readonly quantumMs: number
}

/** Replicas are kept for the largest prompts, which those that always find room would overtake. */
export const fair: DispatchSettings = {
  spreadPrice: 2,
  crowdedSpreadPrice: 30,
  copyPrice: 300,
  runningMs: 10,
  queuedTokensMax: 16_384,
  adapterLoadMs: 1_000,
  ageing: 0.03,
  window: 256,
  largeShare: 0.02,
  keepMs: 2_000,
  backfillMs: 5_000,
  quantumMs: 300,
}

/** Keeps no replica for anybody: above capacity the largest prompts pay for what the others gain. */
export const fast: DispatchSettings = { ...fair, ageing: 0.05, largeShare: 0 }
