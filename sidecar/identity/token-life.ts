/** From when to when a token is good, both in seconds since 1970. */
export interface TokenLife {
  readonly fromSeconds: number
  readonly untilSeconds: number
}

/**
 * When a JWT began and ends, as it says itself; undefined of what is none, or says neither. Nothing is
 * verified: the ambassador does, and a sidecar only wants to know when to cry out.
 */
export function lifeOf(token: string): TokenLife | undefined {
  const claims = claimsOf(token.split('.')[1] ?? '')
  const until = numberAt(claims, 'exp')
  const from = numberAt(claims, 'iat') ?? numberAt(claims, 'nbf')
  if (until === undefined || from === undefined) return undefined
  return { fromSeconds: from, untilSeconds: until }
}

function claimsOf(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    // Not a JWT: an ambassador may take it all the same.
    return undefined
  }
}

function numberAt(claims: unknown, name: string): number | undefined {
  if (typeof claims !== 'object' || claims === null || !Object.hasOwn(claims, name))
    return undefined
  const value: unknown = Object.getOwnPropertyDescriptor(claims, name)?.value
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
