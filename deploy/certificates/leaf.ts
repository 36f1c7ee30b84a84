import { type Authorities, defaultLifetimes, isDue, type Lifetimes } from './authorities.ts'
import { factsOf, isSignedBy, type KeyPair, makeLeaf } from './x509.ts'

/** What a leaf has to be, and what there is. */
export interface LeafOrder {
  /** DNS names of the server, in any order. */
  readonly names: readonly string[]
  /** The one it serves; undefined where it has none, or one that cannot be read. */
  readonly held: KeyPair | undefined
}

/** Why a leaf is made anew. */
export type RenewalReason = 'absent' | 'unreadable' | 'names' | 'authority' | 'expiring'

/** Why `order` needs another leaf at `nowMs`; undefined where the one it holds will do. */
export async function renewalOf(
  { names, held }: LeafOrder,
  authorities: Authorities,
  nowMs: number,
): Promise<RenewalReason | undefined> {
  if (held === undefined) return 'absent'
  try {
    const facts = factsOf(held.certificate)
    if (facts.names.toSorted().join() !== [...names].toSorted().join()) return 'names'
    if (!(await isSignedBy(held.certificate, authorities.current.certificate))) return 'authority'
    return isDue(held.certificate, nowMs) ? 'expiring' : undefined
  } catch {
    // Whatever was written over it is no certificate.
    return 'unreadable'
  }
}

/** A leaf for `names`, signed by the current authority and never longer valid than that. */
export function issue(
  authorities: Authorities,
  names: readonly string[],
  { nowMs, lifetimes = defaultLifetimes }: { nowMs: number; lifetimes?: Lifetimes },
): Promise<KeyPair> {
  const { current } = authorities
  const until = Math.min(nowMs + lifetimes.leafMs, factsOf(current.certificate).until)
  return makeLeaf(current, { names, validity: { from: nowMs - lifetimes.skewMs, until } })
}
