import { bulkheadTrial } from './bulkhead-trial.ts'
import { failoverTrial } from './failover-trial.ts'
import { limitsTrial } from './limits-trial.ts'
import { stormTrial } from './storm-trial.ts'
import { streamsTrial } from './streams-trial.ts'
import type { Trial } from './trial.ts'
import { waitingTrial } from './waiting-trial.ts'

/** In the order they run. */
export const trials: readonly Trial[] = [
  limitsTrial,
  stormTrial,
  waitingTrial,
  bulkheadTrial,
  failoverTrial,
  streamsTrial,
]
