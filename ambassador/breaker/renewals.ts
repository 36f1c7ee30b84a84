/** A credential by name; `identity` differs where it is another key, or stands elsewhere. */
interface Identified {
  readonly name: string
  readonly identity: string | undefined
}

/** Names remembered, also of credentials that have no value at present; the oldest goes. */
const namesMax = 1_024

/**
 * Tells at each configuration which credentials keep their name and nothing else: a secret that is
 * replaced is a new chance, and so is another address. One that was away and comes back as it was is
 * the same.
 */
export class Renewals {
  readonly #identities = new Map<string, string | undefined>()

  /** Takes over the credentials of the latest configuration; gives the names of the renewed ones. */
  take(credentials: readonly Identified[]): readonly string[] {
    const renewed: string[] = []
    for (const { name, identity } of credentials) {
      const isKnown = this.#identities.has(name)
      if (isKnown && this.#identities.get(name) !== identity) renewed.push(name)
      this.#identities.delete(name)
      this.#identities.set(name, identity)
      const [oldest = name] = this.#identities.keys()
      if (this.#identities.size > namesMax) this.#identities.delete(oldest)
    }
    return renewed
  }
}
