// Must come before @peculiar/x509: its dependency injection asks for it while it loads.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import * as x509 from '@peculiar/x509'
import { makeAuthority } from '#deploy/certificates/x509.ts'
import { certified, served, statusOf } from './served.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const validity = { from: Date.now() - 60_000, until: Date.now() + 3_600_000 }

function pemOf(key: ArrayBuffer): string {
  const text = Buffer.from(key).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`
}

/** An authority, and what an API server presents of it. */
async function apiServer() {
  const authority = await makeAuthority('api-servers', validity)
  const der = Buffer.from(authority.key.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=kube-apiserver',
    issuer: new x509.X509Certificate(authority.certificate).subjectName,
    notBefore: new Date(validity.from),
    notAfter: new Date(validity.until),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  })
  const key = pemOf(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { authority: authority.certificate, cert: certificate.toString('pem'), key }
}

async function guarded(t: TestContext) {
  const caller = await apiServer()
  const { server, port, ca } = await served(t, {}, caller.authority)
  return { server, port, ca, caller }
}

test('with a client authority only a certificate of it is answered', async (t) => {
  const { port, ca, caller } = await guarded(t)
  const { cert, key } = caller
  assert.equal(await statusOf({ port, ca, cert, key }), 200)
  await assert.rejects(statusOf({ port, ca }))
  const { cert: foreign, key: foreignKey } = await apiServer()
  await assert.rejects(statusOf({ port, ca, cert: foreign, key: foreignKey }))
})

test('a server’s certificate that is renewed leaves the client authority in force', async (t) => {
  const { server, port, caller } = await guarded(t)
  const { cert, key } = caller
  const renewed = await certified()
  server.secure(renewed.pair)
  assert.equal(await statusOf({ port, ca: renewed.ca, cert, key }), 200)
  await assert.rejects(statusOf({ port, ca: renewed.ca }))
})
