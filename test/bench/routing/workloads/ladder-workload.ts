import { stepTimes, withPrefillRate } from '#deploy/simulator/replica/step-time.ts'
import { ladder, ladderBlockTokens, ladderSpanMs } from '../ladder.ts'
import type { Workload } from './workload.ts'

/** llm-d's published prefill throughput of its replicas, tokens a second. */
const tokensPerSecond = 15_928

/** llm-d's headline workload, on replicas as fast as those it was measured on. */
export const ladderWorkload: Workload = {
  title: 'The llm-d ladder',
  blockTokens: ladderBlockTokens,
  replicas: 8,
  engine: {
    stepTime: withPrefillRate(stepTimes.dynamo, { promptTokens: 8_192, tokensPerSecond }),
    stepTokensMax: 8_192,
    sequencesMax: 1_024,
  },
  tokenMs: 1_000 / tokensPerSecond,
  spanMs: ladderSpanMs,
  arrivals: ({ seed }) => ladder(seed),
}
