/** Tokens of Microsoft Entra, at hand when a call needs one. */
export interface TokenSource {
  /** Of the credential of that name; undefined where there is none that is valid at present. */
  tokenOf(name: string): string | undefined
  /** Why there is none, without a secret. */
  reasonOf(name: string): string
}
