/** What a token claims; nobody verifies it here. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return part(token, 1)
}

/** How it is signed. */
export function algorithmOf(token: string): string {
  return String(part(token, 0)['alg'])
}

/** Id of the key that signed it. */
export function kidOf(token: string): string {
  return String(part(token, 0)['kid'])
}

function part(token: string, index: number): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())
}
