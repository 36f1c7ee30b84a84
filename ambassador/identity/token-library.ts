/** Algorithms of keys that sign service-account tokens: none that a public key could forge. */
export const algorithms = ['RS256', 'ES256', 'ES384', 'ES512'] as const

/** What a token must hold to, beside its signature. */
export interface TokenRules {
  /** Any one of them, letter by letter. */
  readonly issuers: readonly string[]
  /** Milliseconds since 1970. */
  readonly wallMs: number
}

/** The public keys of a cluster. */
export interface KeySet {
  /** Their ids; at least one. */
  readonly ids: ReadonlySet<string>
  /** The claims of a token that one of them has signed. Rejects with a `Refusal`. */
  verify(token: string, rules: TokenRules): Promise<unknown>
}

/** The library that verifies tokens. */
export interface TokenLibrary {
  /** Reads a JWKS document. Throws where it holds no key that may sign. */
  keySet(text: string): KeySet
  /** Id of the key that has signed `token`, as its head says. Throws a `Refusal`. */
  keyIdOf(token: string): string
}
