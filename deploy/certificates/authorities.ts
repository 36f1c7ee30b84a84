import { certificateBlocks } from '#shared/http/certificate-blocks.ts'
import { endOf, factsOf, type KeyPair, makeAuthority } from './x509.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** How long certificates hold and when they are replaced. All times in ms. */
export interface Lifetimes {
  readonly authorityMs: number
  readonly leafMs: number
  /** From when an authority is in every bundle until it signs. */
  readonly spreadMs: number
  /** How far before now a certificate begins: clocks of nodes differ. */
  readonly skewMs: number
}

export const defaultLifetimes: Lifetimes = {
  // The bundle changes once in eight months, so that nobody forgets how.
  authorityMs: 365 * dayMs,
  // Ten days are left when it is renewed: longer than the longest weekend.
  leafMs: 30 * dayMs,
  // Kubelet takes 90 s to bring a ConfigMap to a file; a node that was away for a night catches up.
  spreadMs: 24 * hourMs,
  skewMs: hourMs,
}

/** The authorities of an installation, as the Secret keeps them. */
export interface Authorities {
  /** Signs every leaf. */
  readonly current: KeyPair
  /** Signs nothing yet. `since` is when every bundle had it, undefined until then. */
  readonly next: (KeyPair & { readonly since: number | undefined }) | undefined
  /** Sign no more; in the bundle for as long as a leaf of theirs may be served. */
  readonly previous: readonly { readonly certificate: string; readonly until: number }[]
}

/**
 * The next state of `authorities` at `nowMs`, the same object where nothing is due. A bundle always
 * holds an authority for `spreadMs` before a leaf of it is served, and until its last leaf has ended:
 * no rotation can fail a handshake.
 */
export async function advance(
  authorities: Authorities | undefined,
  nowMs: number,
  lifetimes: Lifetimes = defaultLifetimes,
): Promise<Authorities> {
  if (authorities === undefined) {
    return { current: await fresh(nowMs, lifetimes), next: undefined, previous: [] }
  }
  const { current, next, previous } = authorities
  // Whoever trusts it trusts nothing any more: there is nothing left to overlap with.
  if (factsOf(current.certificate).until <= nowMs) return advance(undefined, nowMs, lifetimes)
  const kept = previous.filter(({ until }) => until > nowMs)
  if (next?.since !== undefined && nowMs - next.since >= lifetimes.spreadMs) {
    const retired = { certificate: current.certificate, until: nowMs + lifetimes.leafMs }
    const promoted = { certificate: next.certificate, key: next.key }
    return { current: promoted, next: undefined, previous: [...kept, retired] }
  }
  if (next === undefined && isDue(current.certificate, nowMs)) {
    const begun = { ...(await fresh(nowMs, lifetimes)), since: undefined }
    return { current, next: begun, previous: kept }
  }
  return kept.length === previous.length ? authorities : { current, next, previous: kept }
}

/** More were never in one bundle; who wrote more of them is not us. */
const recoveredMax = 8

/**
 * Begins anew where the keys are lost. `trusted` is the bundle (PEM) that was given out last: those in
 * it that still hold stay in it until the last leaf of theirs has ended, so that what is served
 * meanwhile is trusted further.
 */
export async function recover(
  trusted: string,
  nowMs: number,
  lifetimes: Lifetimes = defaultLifetimes,
): Promise<Authorities> {
  const begun = await advance(undefined, nowMs, lifetimes)
  const previous = certificateBlocks(trusted).flatMap((certificate) => {
    const until = Math.min(endOf(certificate) ?? 0, nowMs + lifetimes.leafMs)
    return until > nowMs ? [{ certificate: `${certificate}\n`, until }] : []
  })
  return { ...begun, previous: previous.slice(0, recoveredMax) }
}

/** Whether the current authority is so new that not every bundle can have it. */
export function isYoung(
  { current }: Authorities,
  nowMs: number,
  lifetimes: Lifetimes = defaultLifetimes,
): boolean {
  return ageMs(current, nowMs, lifetimes) < lifetimes.spreadMs
}

/**
 * Whether the next authority has waited for so long that nobody else is waited for: a twelfth of an
 * authority's life, 30 days. A namespace that takes no bundle would otherwise hold back the rotation
 * until the current authority ends, and with it everybody's. What is left is enough to spread it in
 * (a sixth at most, see `readLifetimes`) before a third of its life is over. Counted from its making,
 * which outlives any process.
 */
export function isOverdue(
  { next }: Authorities,
  nowMs: number,
  lifetimes: Lifetimes = defaultLifetimes,
): boolean {
  return next !== undefined && ageMs(next, nowMs, lifetimes) >= lifetimes.authorityMs / 12
}

function ageMs({ certificate }: KeyPair, nowMs: number, { skewMs }: Lifetimes): number {
  return nowMs - (factsOf(certificate).from + skewMs)
}

/** Notes that every bundle has been written as `bundleOf` gives it; the same object where it was. */
export function spread(authorities: Authorities, nowMs: number): Authorities {
  const { next } = authorities
  if (next === undefined || next.since !== undefined) return authorities
  return { ...authorities, next: { ...next, since: nowMs } }
}

/** PEM certificates of all authorities that may be met, the current first. */
export function bundleOf({ current, next, previous }: Authorities): string {
  return [current, ...(next === undefined ? [] : [next]), ...previous]
    .map(({ certificate }) => `${certificate.trim()}\n`)
    .join('')
}

/** Whether at most a third of its life is left. */
export function isDue(certificate: string, nowMs: number): boolean {
  const { from, until } = factsOf(certificate)
  return until - nowMs <= (until - from) / 3
}

function fresh(nowMs: number, { authorityMs, skewMs }: Lifetimes): Promise<KeyPair> {
  return makeAuthority('outrigger authority', {
    from: nowMs - skewMs,
    until: nowMs + authorityMs,
  })
}
