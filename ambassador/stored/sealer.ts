import { createHash, createHmac, timingSafeEqual } from '#shared/builtins.ts'
import { type LongId, writeLong } from '#shared/stored/long-id.ts'
import { isOf, readSealed } from '#shared/stored/sealed-id.ts'
import { markOf, type ShortId, shortMacBytes, writeShort } from '#shared/stored/short-id.ts'

/** For whom an id is sealed, and where what it names is stored. */
export interface Holder {
  readonly tenant: string
  readonly provider: string
  /** Its name in the configuration; empty where the provider has none. */
  readonly credential: string
}

/** An id that was proven to be the tenant's. */
export interface Proven {
  /** As the provider knows it. */
  readonly id: string
  readonly credential: string
}

/** Who asks, and the credentials that may hold what is asked for. */
export interface Claim {
  readonly tenant: string
  readonly provider: string
  readonly credentials: readonly string[]
}

/** Where a sealed id may have come from. */
interface Origin extends Holder {
  readonly id: string
}

const macBytes = 16
const tagBytes = 6

/**
 * Makes and proves ids of stored things that are good for one tenant alone: the id, what stands for its
 * provider and its credential, and a HMAC-SHA256 (RFC 2104) over all of them and the tenant, 96 bits of it
 * in a short id, 128 in a long one. The first key makes, each of them proves, so that a key is replaced
 * with overlap.
 */
export class Sealer {
  readonly #keys: readonly Buffer[]

  /** @param keys at least one, of 32 bytes or more. */
  constructor(keys: readonly Buffer[]) {
    this.#keys = keys
  }

  /** At most 64 letters of `A-Z a-z 0-9 _ -` for ids as providers make them; those that do not fit are longer. */
  seal(id: string, holder: Holder): string {
    const [key = Buffer.alloc(0)] = this.#keys
    const { provider, credential } = holder
    const tag = tagOf(provider, credential)
    const mac = shortMac(key, { ...holder, id })
    const short = writeShort({ id, mark: markOf(provider), tag: shortTag(tag), mac })
    if (short !== undefined) return short
    return writeLong({ id, provider, tag: longTag(tag), mac: longMac(key, { ...holder, id }) })
  }

  /** Undefined where it is not this tenant's, not of this provider, or of a credential that is gone. */
  prove(text: string, { tenant, provider, credentials }: Claim): Proven | undefined {
    const sealed = readSealed(text)
    if (sealed === undefined || !isOf(sealed, provider)) return undefined
    const { id } = sealed
    const credential = credentials.find((one) => {
      const tag = tagOf(provider, one)
      const isTagged = sealed.tag === (sealed.form === 'short' ? shortTag(tag) : longTag(tag))
      return isTagged && this.#isMade(sealed, { tenant, provider, credential: one, id })
    })
    return credential === undefined ? undefined : { id, credential }
  }

  #isMade(sealed: ShortId | LongId, origin: Origin): boolean {
    if (sealed.form === 'short') {
      return this.#keys.some((key) => timingSafeEqual(shortMac(key, origin), sealed.mac))
    }
    // As text: of the last letter not all bits are used, and an id has one spelling.
    const given = Buffer.from(sealed.mac)
    return this.#keys.some((key) => timingSafeEqual(Buffer.from(longMac(key, origin)), given))
  }

  /**
   * An id in the place of one that was not proven: the same for the same tenant and id, with the same
   * beginning, and none that any provider has given out. At most 46 characters: OpenAI takes 64.
   */
  standIn(text: string, tenant: string): string {
    const [key = Buffer.alloc(0)] = this.#keys
    const [, kind = ''] = /^([a-z]{1,13})_/.exec(text) ?? []
    const digits = macOf(key, ['stand-in', tenant, text]).toString('hex')
    return kind === '' ? digits : `${kind}_${digits}`
  }
}

/** Words of any kind cannot run into each other: each tells its length first. */
function macOf(key: Buffer, words: readonly string[]): Buffer {
  const mac = createHmac('sha256', key).update('outrigger stored ids 1\n')
  for (const word of words) mac.update(`${Buffer.byteLength(word)}:`).update(word)
  return mac.digest().subarray(0, macBytes)
}

function longMac(key: Buffer, { tenant, provider, credential, id }: Origin): string {
  return macOf(key, ['id', tenant, provider, credential, id]).toString('base64url')
}

/** Of other words, so that neither form is a part of the other. */
function shortMac(key: Buffer, { tenant, provider, credential, id }: Origin): Buffer {
  return macOf(key, ['short id', tenant, provider, credential, id]).subarray(0, shortMacBytes)
}

const tags = new Map<string, Buffer>()
/** Credentials are few; a configuration that changes all day must not fill the memory. */
const tagsMax = 4_096

/** Tells credentials of a provider apart without their names, which are no tenant's affair. */
function tagOf(provider: string, credential: string): Buffer {
  const words = `${provider}\n${credential}`
  const known = tags.get(words)
  if (known !== undefined) return known
  const digest = createHash('sha256').update(`outrigger credential\n${words}`).digest()
  const tag = Buffer.from(digest.subarray(0, tagBytes))
  if (tags.size >= tagsMax) tags.clear()
  tags.set(words, tag)
  return tag
}

function longTag(tag: Buffer): string {
  return tag.toString('base64url')
}

/** Six bits: the MAC proves the credential, and this only spares most of the others. */
function shortTag(tag: Buffer): number {
  return (tag[0] ?? 0) & 63
}
