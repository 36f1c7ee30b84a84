import {
  type Authorities,
  defaultLifetimes,
  isDue,
  isYoung,
  type Lifetimes,
} from './authorities.ts'
import { factsOf, isPair, isSignedBy, type KeyPair, makeLeaf } from './x509.ts'

/** What a leaf has to be, and what there is. */
export interface LeafOrder {
  /** DNS names of the server, in any order. */
  readonly names: readonly string[]
  /** The one it serves; undefined where it has none, or one that cannot be read. */
  readonly held: KeyPair | undefined
}

/** Why a leaf is made anew. */
export type RenewalReason = 'absent' | 'unreadable' | 'names' | 'authority' | 'expiring'

/** When it is, in ms since 1970, and how long what is made holds. */
export interface Moment {
  readonly nowMs: number
  readonly lifetimes?: Lifetimes
}

/** Why `order` needs another leaf at `nowMs`; undefined where the one it holds will do. */
export async function renewalOf(
  { names, held }: LeafOrder,
  authorities: Authorities,
  { nowMs, lifetimes = defaultLifetimes }: Moment,
): Promise<RenewalReason | undefined> {
  if (held === undefined) return 'absent'
  // Also a key that is not that of the certificate: nobody could serve with it.
  if (!isPair(held)) return 'unreadable'
  const facts = factsOf(held.certificate)
  if (facts.names.toSorted().join() !== [...names].toSorted().join()) return 'names'
  if (!(await isSignedBy(held.certificate, authorities.current.certificate))) {
    // After a loss of keys: clients trust the one that has signed it, and not yet the other.
    const isKept = isYoung(authorities, nowMs, lifetimes)
    if (!isKept || !(await isOfPrevious(held.certificate, authorities))) return 'authority'
  }
  return isDue(held.certificate, nowMs) ? 'expiring' : undefined
}

/** A leaf for `names`, signed by the current authority and never longer valid than that. */
export function issue(
  authorities: Authorities,
  names: readonly string[],
  { nowMs, lifetimes = defaultLifetimes }: Moment,
): Promise<KeyPair> {
  const { current } = authorities
  const until = Math.min(nowMs + lifetimes.leafMs, factsOf(current.certificate).until)
  return makeLeaf(current, { names, validity: { from: nowMs - lifetimes.skewMs, until } })
}

async function isOfPrevious(leaf: string, { previous }: Authorities): Promise<boolean> {
  for (const { certificate } of previous) if (await isSignedBy(leaf, certificate)) return true
  return false
}
