import type { RequestListener, Server } from 'node:http'
import type { ServerOptions } from 'node:https'
import type { TlsPair } from './tls-directory.ts'

export interface TlsParts {
  readonly pair: TlsPair
  /** PEM: who has no certificate of it is hung up on. Undefined: callers need none. */
  readonly clientAuthority?: string | undefined
}

/** A server behind TLS, and the way to give it another certificate. */
export interface TlsListener {
  readonly server: Server
  /** For handshakes from here on; connections go on as they are. */
  secure(pair: TlsPair): void
}

/** Within a cluster a handshake takes milliseconds; node's own 120 s let callers hold sockets for nothing. */
const handshakeMs = 10_000

/** A server that speaks HTTP/1.1 over TLS 1.3 alone. Loads node:https. */
export function tlsListener(
  options: ServerOptions,
  { pair, clientAuthority }: TlsParts,
  listener?: RequestListener,
): TlsListener {
  const { createServer } = process.getBuiltinModule('node:https')
  // All of it with each certificate: options that are left out would be reset.
  const contextOf = ({ cert, key }: TlsPair) => ({
    cert,
    key,
    minVersion: 'TLSv1.3' as const,
    ...(clientAuthority === undefined ? {} : { ca: clientAuthority }),
  })
  const server = createServer(
    {
      handshakeTimeout: handshakeMs,
      ...options,
      ...contextOf(pair),
      requestCert: clientAuthority !== undefined,
      rejectUnauthorized: clientAuthority !== undefined,
      ALPNProtocols: ['http/1.1'],
    },
    listener,
  )
  return { server, secure: (next) => server.setSecureContext(contextOf(next)) }
}

/** Whether node tells of a handshake that failed: then nobody is there to read an answer. */
export function isHandshakeFailure({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO'
}
