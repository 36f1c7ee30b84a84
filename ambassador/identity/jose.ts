import { createLocalJWKSet, decodeProtectedHeader, errors, type JWK, jwtVerify } from 'jose'
import * as v from 'valibot'
import { Refusal, type RefusalReason } from './refusal.ts'
import { algorithms, type KeySet, type TokenLibrary } from './token-library.ts'

/** Clocks of a cluster's machines differ by less, or worse goes wrong. */
const clockToleranceSeconds = 10
/** While one key replaces another there are two; nobody has dozens. */
const keysMax = 64

/** A symmetric key in a public list could be used by everybody: only these kinds are taken. */
const publicKey = v.looseObject({
  kty: v.picklist(['RSA', 'EC']),
  kid: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
})
const keyList = v.object({ keys: v.pipe(v.array(v.unknown()), v.maxLength(keysMax)) })

/** The only file that knows jose; it is loaded only where tokens are verified. */
export const jose: TokenLibrary = {
  keySet(text) {
    const { keys } = v.parse(keyList, JSON.parse(text))
    const usable = keys.flatMap((key) => (v.is(publicKey, key) ? [key] : []))
    if (usable.length === 0) throw new Error('no usable key')
    return keySetOf(usable)
  },
  keyIdOf(token) {
    const { alg, kid } = headOf(token)
    if (!algorithms.some((name) => name === alg)) {
      throw new Refusal('algorithm', { algorithm: String(alg).slice(0, 20) })
    }
    if (typeof kid !== 'string') throw new Refusal('unknown key')
    return kid
  },
}

function headOf(token: string) {
  try {
    return decodeProtectedHeader(token)
  } catch {
    // Whatever is wrong with it, it is no token.
    throw new Refusal('malformed token')
  }
}

function keySetOf(keys: readonly (JWK & { kid: string })[]): KeySet {
  const find = createLocalJWKSet({ keys: [...keys] })
  return {
    ids: new Set(keys.map(({ kid }) => kid)),
    async verify(token, { issuers, wallMs }) {
      try {
        const { payload } = await jwtVerify(token, find, {
          algorithms: [...algorithms],
          issuer: [...issuers],
          currentDate: new Date(wallMs),
          clockTolerance: clockToleranceSeconds,
          requiredClaims: ['exp', 'iat', 'sub', 'aud'],
        })
        return payload
      } catch (thrown) {
        throw refusalOf(thrown)
      }
    },
  }
}

/** The library's errors in our words. */
function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof errors.JWTExpired) {
    return new Refusal('expired', { subject: String(thrown.payload.sub).slice(0, 400) })
  }
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    const { claim, payload } = thrown
    const reason = claimReasons.get(claim) ?? 'claims'
    const issuer = String(payload.iss).slice(0, 200)
    return new Refusal(reason, { claim, issuer })
  }
  if (thrown instanceof errors.JOSEError) return new Refusal(reasons.get(thrown.code) ?? other)
  return new Refusal(other)
}

const other: RefusalReason = 'malformed token'

const claimReasons = new Map<string, RefusalReason>([
  ['iss', 'issuer'],
  ['nbf', 'not yet valid'],
])

const reasons = new Map<string, RefusalReason>([
  [errors.JWSSignatureVerificationFailed.code, 'signature'],
  [errors.JOSEAlgNotAllowed.code, 'algorithm'],
  [errors.JOSENotSupported.code, 'algorithm'],
  [errors.JWKSNoMatchingKey.code, 'unknown key'],
  [errors.JWKSMultipleMatchingKeys.code, 'unknown key'],
])
