import * as v from 'valibot'
import type { Authorities } from './authorities.ts'
import { endOf, isPair, type KeyPair } from './x509.ts'

/** The data of a Secret: values in base64. */
export type SecretData = Readonly<Record<string, string>>

const pair = v.object({ certificate: v.string(), key: v.string() })
const authorities = v.object({
  current: pair,
  next: v.optional(v.object({ ...pair.entries, since: v.optional(v.number()) })),
  previous: v.array(v.object({ certificate: v.string(), until: v.number() })),
})

/** One document: two keys of a Secret could be written by two hands. */
const stateKey = 'authorities.json'

/**
 * What `Secret.data` says; undefined where it is empty or written by somebody else, or where nothing
 * can be signed with it. Any other certificate that cannot be read is left out: it would be in every
 * bundle, and spoil the reading of the rest.
 */
export function readAuthorities(data: SecretData | undefined): Authorities | undefined {
  const text = decoded(data?.[stateKey])
  if (text === undefined) return undefined
  try {
    const parsed = v.safeParse(authorities, JSON.parse(text))
    if (!parsed.success) return undefined
    const { current, next, previous } = parsed.output
    if (!isPair(current)) return undefined
    return {
      current,
      next: next && isPair(next) ? { ...next, since: next.since } : undefined,
      previous: previous.filter(({ certificate }) => endOf(certificate) !== undefined),
    }
  } catch {
    // No JSON: nothing of it can be trusted.
    return undefined
  }
}

export function writeAuthorities(state: Authorities): SecretData {
  return { [stateKey]: encoded(JSON.stringify(state)) }
}

/** The pair of a Secret of type `kubernetes.io/tls`. */
export function readPair(data: SecretData | undefined): KeyPair | undefined {
  const certificate = decoded(data?.['tls.crt'])
  const key = decoded(data?.['tls.key'])
  return certificate === undefined || key === undefined ? undefined : { certificate, key }
}

export function writePair({ certificate, key }: KeyPair): SecretData {
  return { 'tls.crt': encoded(certificate), 'tls.key': encoded(key) }
}

function decoded(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8')
}

function encoded(value: string): string {
  return Buffer.from(value, 'utf8').toString('base64')
}
