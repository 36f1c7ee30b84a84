import type { RequestListener } from 'node:http'
import { type TlsListener, type TlsParts, tlsListener } from '#shared/http/tls-listener.ts'
import { Connections } from './connections.ts'
import type { ServeLimits } from './limits.ts'

/** A server of HTTP/1.1 over TLS 1.3 that ends whoever is slow, silent or too many. */
export function boundedListener(
  parts: TlsParts,
  limits: ServeLimits,
  answer: RequestListener,
): TlsListener {
  const times = {
    handshakeTimeout: limits.handshakeMs,
    headersTimeout: limits.headMs,
    requestTimeout: limits.headMs + limits.bodyMs,
    connectionsCheckingInterval: 1_000,
  }
  const { server, secure } = tlsListener(times, parts, answer)
  server.maxConnections = limits.connectionsMax
  server.timeout = limits.silenceMs
  const connections = new Connections(limits.connectionsPerAddressMax)
  server.on('connection', (socket) => connections.admit(socket))
  return { server, secure }
}
