// Must come before the other: its dependency injection asks for it while it loads.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

/** PEM of both. */
export interface Certified {
  readonly certificate: string
  readonly key: string
}

/** Signs certificates of servers for a day: as long as no suite runs. */
export interface Authority {
  readonly certificate: string
  /** `names` are DNS names and addresses. */
  issue(names: readonly string[]): Promise<Certified>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export async function createAuthority(name: string): Promise<Authority> {
  const keys = await makeKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...today(),
    name: `CN=${name}`,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  const issue = async (names: readonly string[]) => {
    const own = await makeKeys()
    const leaf = await x509.X509CertificateGenerator.create({
      ...today(),
      subject: `CN=${names[0]}`,
      issuer: root.subjectName,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        ),
      ],
    })
    const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey)
    return {
      certificate: leaf.toString('pem'),
      key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
    }
  }
  return { certificate: root.toString('pem'), issue }
}

export type SigningKind = 'RS256' | 'ES256'

/** A key pair for service account tokens: the private half in PKCS #8, both PEM. */
export function makeSigningKey(kind: SigningKind): { privateKey: string; publicKey: string } {
  const encodings = {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  } as const
  return kind === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2_048, ...encodings })
    : generateKeyPairSync('ec', { namedCurve: 'P-256', ...encodings })
}

function today() {
  const hourMs = 3_600_000
  return {
    notBefore: new Date(Date.now() - hourMs),
    notAfter: new Date(Date.now() + 24 * hourMs),
    signingAlgorithm: algorithm,
  }
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}
