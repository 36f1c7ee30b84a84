/** Who asks Microsoft Entra for tokens. */
export interface TokenLibrary {
  /** Throws nothing; what is wrong with an identity shows in `getToken`. */
  open(identity: Identity): TokenAsker
}

/** Whose tokens: an application's where a secret is there, else the workload's or the machine's. */
export interface Identity {
  readonly tenantId: string | undefined
  readonly clientId: string | undefined
  readonly secret: string | undefined
}

export interface TokenAsker {
  /** Rejects with {@link NoToken}. */
  getToken(scope: string, signal: AbortSignal): Promise<Token>
}

export interface Token {
  readonly value: string
  /** When it ends, in ms since 1970. */
  readonly expiresMs: number
  /** When it should be renewed, in ms since 1970, where the issuer says. */
  readonly renewMs: number | undefined
}

/** No token came; the message says why in a few words, none of which is a secret. */
export class NoToken extends Error {
  override readonly name = 'NoToken'
}
