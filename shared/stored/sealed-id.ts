import { type LongId, readLong } from './long-id.ts'
import { markOf, readShort, type ShortId } from './short-id.ts'

/**
 * A sealed id taken apart; nothing of it is proven. The short form is for what clients and OpenAI take, 64
 * letters; the long one for an id that does not fit into it, and for those that were given out before.
 */
export type SealedId = LongId | ShortId

/** The parts of `text`; undefined where it has neither form. */
export function readSealed(text: string): SealedId | undefined {
  return readShort(text) ?? readLong(text)
}

/** Whether `sealed` says that it is of `provider`. */
export function isOf(sealed: SealedId, provider: string): boolean {
  return sealed.form === 'long' ? sealed.provider === provider : sealed.mark === markOf(provider)
}

/**
 * The provider that a sealed id names: one of `providers`, or whatever the long form says. Undefined for what
 * is no sealed id, and for a short one of a provider that is not there: it may be anybody's plain id.
 */
export function namedOwner(text: string, providers: readonly string[]): NamedOwner | undefined {
  const sealed = readSealed(text)
  if (sealed === undefined) return undefined
  const found = providers.find((name) => isOf(sealed, name))
  const provider = found ?? (sealed.form === 'long' ? sealed.provider : undefined)
  return provider === undefined ? undefined : { provider, id: sealed.id }
}

/** Whose an id says that it is, and how its provider knows it. */
interface NamedOwner {
  readonly provider: string
  readonly id: string
}

/** Longest id that is sealed; what is longer is none. */
export const idCharsMax = 512
