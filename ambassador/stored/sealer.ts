import { createHash, createHmac, timingSafeEqual } from '#shared/builtins.ts'
import { readSealed, writeSealed } from '#shared/stored/sealed-id.ts'

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

const macBytes = 16
const tagBytes = 6

/**
 * Makes and proves ids of stored things that are good for one tenant alone: the id as it is, its
 * provider, a tag of the credential, and 128 bits of HMAC-SHA256 (RFC 2104) over all of them. The first
 * key makes, each of them proves, so that a key is replaced with overlap.
 */
export class Sealer {
  readonly #keys: readonly Buffer[]

  /** @param keys at least one, of 32 bytes or more. */
  constructor(keys: readonly Buffer[]) {
    this.#keys = keys
  }

  seal(id: string, { tenant, provider, credential }: Holder): string {
    const [key = Buffer.alloc(0)] = this.#keys
    const mac = macText(key, ['id', tenant, provider, credential, id])
    return writeSealed({ id, provider, tag: tagOf(provider, credential), mac })
  }

  /** Undefined where it is not this tenant's, not of this provider, or of a credential that is gone. */
  prove(text: string, { tenant, provider, credentials }: Claim): Proven | undefined {
    const sealed = readSealed(text)
    if (sealed?.provider !== provider) return undefined
    const { id, tag } = sealed
    // As text: of the last letter not all bits are used, and an id has one spelling.
    const given = Buffer.from(sealed.mac)
    for (const credential of credentials) {
      if (tagOf(provider, credential) !== tag) continue
      const words = ['id', tenant, provider, credential, id]
      if (this.#keys.some((key) => timingSafeEqual(Buffer.from(macText(key, words)), given))) {
        return { id, credential }
      }
    }
    return undefined
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

function macText(key: Buffer, words: readonly string[]): string {
  return macOf(key, words).toString('base64url')
}

const tags = new Map<string, string>()
/** Credentials are few; a configuration that changes all day must not fill the memory. */
const tagsMax = 4_096

/** Tells credentials of a provider apart without their names, which are no tenant's affair. */
function tagOf(provider: string, credential: string): string {
  const words = `${provider}\n${credential}`
  const known = tags.get(words)
  if (known !== undefined) return known
  const digest = createHash('sha256').update(`outrigger credential\n${words}`).digest()
  const tag = digest.subarray(0, tagBytes).toString('base64url')
  if (tags.size >= tagsMax) tags.clear()
  tags.set(words, tag)
  return tag
}
