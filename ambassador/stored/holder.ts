import type { AmbassadorCall } from '../call.ts'
import type { Holder } from './sealer.ts'

type Held = Pick<AmbassadorCall, 'credential' | 'provider' | 'replica' | 'snapshot' | 'tenant'>

/** Whether each replica of the provider keeps its responses to itself: vLLM has them in its memory. */
export function isPool({ provider, snapshot }: Pick<Held, 'provider' | 'snapshot'>): boolean {
  return snapshot?.config.providers[provider]?.kind === 'vllm'
}

/** Where what a call has made is stored: with its credential, or at its replica. */
export function holderOf(context: Held): Holder {
  const { tenant, provider, credential = '', replica = '' } = context
  return { tenant, provider, credential: isPool(context) ? replica : credential }
}
