// Must come before the other: its dependency injection asks for it while it loads.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import * as x509 from '@peculiar/x509'

/** One request as the server got it. */
export interface Seen {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Connections are numbered from 1 in the order they came. */
  readonly connection: number
}

export interface ScriptedServer {
  readonly origin: string
  /** PEM of its certificate, which is its own authority. */
  readonly ca: string
  readonly seen: readonly Seen[]
  /** Resolves once the client has closed the connection of the latest request. */
  left(): Promise<unknown>
}

export type Script = (request: Seen, response: ServerResponse) => void

/** An API server on loopback that answers as `script` says; gone with the test. */
export async function scriptedServer(t: TestContext, script: Script): Promise<ScriptedServer> {
  const { certificate, key } = await selfSigned()
  const seen: Seen[] = []
  const sockets = new Map<Socket, number>()
  let latest: Socket | undefined
  const server = createServer({ cert: certificate, key }, (incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      latest = incoming.socket
      if (!sockets.has(latest)) sockets.set(latest, sockets.size + 1)
      const request = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString('utf8'),
        connection: sockets.get(latest) ?? 0,
      }
      seen.push(request)
      script(request, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    origin: `https://127.0.0.1:${portOf(server.address())}`,
    ca: certificate,
    seen,
    left: () =>
      new Promise((resolve) => {
        if (latest === undefined || latest.closed) resolve(undefined)
        // Not by `once` of node:events, which takes the reset for a failure.
        else latest.once('close', resolve)
      }),
  }
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A certificate for 127.0.0.1, as of a cluster's address. */
export async function selfSigned() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=kubernetes-${webcrypto.randomUUID()}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
    ],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    certificate: made.toString('pem'),
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  }
}

/** Answers with `body` as JSON. */
export function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A `Status` as the API server writes it. */
export function statusBody(code: number, reason: string, message: string): object {
  const status = 'Failure'
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status, code, reason, message }
}
