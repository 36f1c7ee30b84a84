import { Sealer } from '#ambassador/stored/sealer.ts'
import { writeLong } from '#shared/stored/long-id.ts'
import type { Link, SidecarCall } from '../../../sidecar/call.ts'
import { callUnder, configWith } from '../route/models.ts'
import { targetOf } from '../sidecar-call.ts'

const sealer = new Sealer([Buffer.alloc(32, 1)])

/** As the ambassador of `provider` gives `id` to `tenant`. */
export function sealedFor(id: string, provider: string, tenant = 'team-a'): string {
  return sealer.seal(id, { tenant, provider, credential: 'main' })
}

/** As one that was given out before ids were short. */
export function longFor(id: string, provider: string): string {
  return writeLong({ id, provider, tag: 'A'.repeat(8), mac: 'b'.repeat(22) })
}

/** A question to `/v1/responses` that was routed to `a` first, then to `b`, then refused. */
export function responsesCall(chain: readonly Link[] = chainOf('a', 'b')): SidecarCall {
  const call = callUnder(configWith({}))
  call.surface = { path: '/v1/responses', dialect: 'responses', wants: 'answer' }
  call.modelAsked = 'assistant'
  call.chain = [...chain, { refuse: 'nobody else has it' }]
  const [first] = chain
  call.route = first !== undefined && !('refuse' in first) ? first : undefined
  return call
}

export function chainOf(...providers: readonly string[]): Link[] {
  return providers.map((provider) => targetOf('m', { provider }))
}

/** The providers of a chain, in order; a refusal is its words. */
export function namesOf(chain: readonly Link[]): string[] {
  return chain.map((link) => ('refuse' in link ? 'refused' : link.provider))
}
