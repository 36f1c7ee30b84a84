import { createHash } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { ClusterReader } from '#ambassador/identity/cluster-keys.ts'

export interface SigningKey {
  readonly algorithm: string
  readonly id: string
  readonly secret: CryptoKey
  readonly publicJwk: JWK
  readonly pem: string
}

/** A key as kube-apiserver has one. */
export async function signingKey(algorithm = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const [jwk, pem] = await Promise.all([exportJWK(publicKey), exportSPKI(publicKey)])
  const id = createHash('sha256').update(pem).digest('base64url')
  const publicJwk = { ...jwk, kid: id, alg: algorithm, use: 'sig' }
  return { algorithm, id, secret: privateKey, publicJwk, pem }
}

export const issuer = 'https://kubernetes.default.svc.cluster.local'

/** What a projected token of `search/api` says from `wallMs` on, for an hour. */
export function claimsAt(wallMs: number, namespace = 'search', account = 'api') {
  const seconds = Math.floor(wallMs / 1_000)
  return {
    iss: issuer,
    sub: `system:serviceaccount:${namespace}:${account}`,
    aud: ['outrigger'],
    iat: seconds,
    nbf: seconds,
    exp: seconds + 3_600,
    jti: 'a1',
    'kubernetes.io': {
      namespace,
      serviceaccount: { name: account, uid: 'b2' },
      pod: { name: `${account}-7f9c`, uid: 'c3' },
      node: { name: 'node-1', uid: 'd4' },
    },
  }
}

export type Claims = Readonly<Record<string, unknown>>

/** `claims`, signed with `key`; `head` over its own header. */
export function sign(key: SigningKey, claims: Claims, head: object = {}): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: key.algorithm, kid: key.id, ...head })
    .sign(key.secret)
}

/** The API server's part in it: tells its keys and its name. */
export class SigningCluster implements ClusterReader {
  readonly asked: string[] = []
  keys: SigningKey[]
  issuer = issuer
  /** `away` rejects, `silent` never answers, `odd` answers what is no JSON. */
  state: 'up' | 'away' | 'silent' | 'odd' = 'up'

  constructor(keys: readonly SigningKey[]) {
    this.keys = [...keys]
  }

  /** How often it has been asked for its keys. */
  get questions(): number {
    return this.asked.filter((path) => path === '/openid/v1/jwks').length
  }

  async text(path: string): Promise<string> {
    this.asked.push(path)
    if (this.state === 'away') throw new Error('connect ECONNREFUSED')
    if (this.state === 'silent') return new Promise(() => {})
    if (this.state === 'odd') return '<html>'
    if (path === '/openid/v1/jwks') {
      return JSON.stringify({ keys: this.keys.map(({ publicJwk }) => publicJwk) })
    }
    return JSON.stringify({ issuer: this.issuer, jwks_uri: 'https://10.0.0.1/openid/v1/jwks' })
  }
}
