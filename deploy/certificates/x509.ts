// Must come before the other: its dependency injection asks for it while it loads.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata'
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate and its private key, both PEM; the key in PKCS #8. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** Inclusive, in ms since 1970; certificates count in whole seconds. */
export interface Validity {
  readonly from: number
  readonly until: number
}

/** P-256: every TLS library has it, and a signature takes a tenth of a millisecond. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Makes a self-signed authority that may sign leaves, and no further authority. */
export async function makeAuthority(name: string, validity: Validity): Promise<KeyPair> {
  const keys = await makeKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...common(validity),
    name: subject(name),
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return pairOf(certificate, keys)
}

/** What a server proves: the DNS names it is called by, at least one. */
export interface LeafRequest {
  readonly names: readonly string[]
  readonly validity: Validity
}

/** Makes a server's certificate, signed by `authority`. */
export async function makeLeaf(authority: KeyPair, request: LeafRequest): Promise<KeyPair> {
  const keys = await makeKeys()
  const issuer = new x509.X509Certificate(authority.certificate)
  const certificate = await x509.X509CertificateGenerator.create({
    ...common(request.validity),
    subject: subject(request.names[0] ?? ''),
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await privateKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        request.names.map((value) => ({ type: 'dns', value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return pairOf(certificate, keys)
}

/** What there is to know of a certificate. */
export interface CertificateFacts extends Validity {
  /** DNS names, in the order of the certificate. */
  readonly names: readonly string[]
}

/** Reads a PEM certificate. Throws on what is none. */
export function factsOf(certificate: string): CertificateFacts {
  const read = new x509.X509Certificate(certificate)
  const alternative = read.getExtension(x509.SubjectAlternativeNameExtension)
  return {
    from: read.notBefore.getTime(),
    until: read.notAfter.getTime(),
    names: (alternative?.names.items ?? []).map(({ value }) => value),
  }
}

/** Whether `certificate` bears the signature of `authority` (both PEM); its times do not count. */
export async function isSignedBy(certificate: string, authority: string): Promise<boolean> {
  const { publicKey } = new x509.X509Certificate(authority)
  try {
    return await new x509.X509Certificate(certificate).verify({ publicKey, signatureOnly: true })
  } catch {
    // A signature by another algorithm than the key's.
    return false
  }
}

/** Whether both can be read, belong to each other and are of the kind that is made here. */
export function isPair({ certificate, key }: KeyPair): boolean {
  try {
    factsOf(certificate)
    const read = createPrivateKey(key)
    const isOfOurKind = read.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return isOfOurKind && new X509Certificate(certificate).checkPrivateKey(read)
  } catch {
    // Whatever was written there, it is none.
    return false
  }
}

/** When a PEM certificate ends, in ms since 1970; undefined for what cannot be read. */
export function endOf(certificate: string): number | undefined {
  try {
    return factsOf(certificate).until
  } catch {
    // Nobody can trust it either.
    return undefined
  }
}

function common({ from, until }: Validity) {
  return {
    // Positive and 128 bits long, as RFC 5280 asks (4.1.2.2).
    serialNumber: `0${randomBytes(16).toString('hex').slice(1)}`,
    notBefore: new Date(from),
    notAfter: new Date(until),
    signingAlgorithm: algorithm,
  }
}

/** A common name has 64 characters at most (RFC 5280, upper bounds); servers are known by others. */
function subject(name: string): x509.JsonName {
  return [{ O: ['outrigger'] }, { CN: [name.slice(0, 64)] }]
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function pairOf(
  certificate: x509.X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<KeyPair> {
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    certificate: certificate.toString('pem'),
    key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
  }
}

function privateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [bytes = new ArrayBuffer(0)] = x509.PemConverter.decode(pem)
  return webcrypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign'])
}
