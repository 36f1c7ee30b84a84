import { isJsonObject, parsedJson } from '#shared/kubernetes/kubernetes-object.ts'

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
  // What is no JWT has no life that could be known: an ambassador may take it all the same.
  const claims = parsedJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const until = numberAt(claims, 'exp')
  const from = numberAt(claims, 'iat') ?? numberAt(claims, 'nbf')
  if (until === undefined || from === undefined) return undefined
  return { fromSeconds: from, untilSeconds: until }
}

function numberAt(claims: unknown, name: string): number | undefined {
  const value = isJsonObject(claims) ? claims[name] : undefined
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
