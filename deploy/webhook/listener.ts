import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { TlsPair } from '#shared/http/tls-directory.ts'
import { Connections } from './connections.ts'
import type { ServeLimits } from './limits.ts'

export interface ListenerParts {
  readonly pair: TlsPair
  /** PEM; undefined where callers need no certificate. */
  readonly clientAuthority: string | undefined
  readonly limits: ServeLimits
}

export interface Listener {
  readonly server: Server
  /** For handshakes from here on; connections go on as they are. */
  secure(pair: TlsPair): void
}

/** A server of HTTP/1.1 over TLS 1.3 that ends whoever is slow, silent or too many. */
export function boundedListener(parts: ListenerParts, answer: RequestListener): Listener {
  const { pair, clientAuthority, limits } = parts
  // All of it each time: options that are left out would be reset.
  const contextOf = ({ cert, key }: TlsPair) => ({
    cert,
    key,
    minVersion: 'TLSv1.3' as const,
    ...(clientAuthority === undefined ? {} : { ca: clientAuthority }),
  })
  const server = createServer(
    {
      ...contextOf(pair),
      requestCert: clientAuthority !== undefined,
      rejectUnauthorized: clientAuthority !== undefined,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.headMs,
      requestTimeout: limits.headMs + limits.bodyMs,
      connectionsCheckingInterval: 1_000,
    },
    answer,
  )
  server.maxConnections = limits.connectionsMax
  server.timeout = limits.silenceMs
  const connections = new Connections(limits.connectionsPerAddressMax)
  server.on('connection', (socket) => connections.admit(socket))
  return { server, secure: (next) => server.setSecureContext(contextOf(next)) }
}
