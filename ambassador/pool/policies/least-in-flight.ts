import { leastOf } from './least-of.ts'
import type { Policy } from './policy.ts'

/**
 * The replica with the fewest of this pool’s own calls in flight; of equals one by chance. It is what
 * proxies call least connections or least requests.
 */
export function leastInFlight(random: () => number): Policy {
  return {
    name: 'least-in-flight',
    choose: (_call, candidates) => leastOf(candidates, ({ inFlight }) => inFlight, random),
  }
}
