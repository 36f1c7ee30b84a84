import type { RequestListener, Server, ServerOptions } from 'node:http'
import type { TlsPair } from './tls-directory.ts'

/** A server behind TLS, and the way to give it another certificate. */
export interface TlsListener {
  readonly server: Server
  /** For handshakes from here on; connections go on as they are. */
  secure(pair: TlsPair): void
}

/** Within a cluster a handshake takes milliseconds; node's own 120 s let callers hold sockets for nothing. */
const handshakeMs = 10_000

/** What both the first and each later certificate come with: options that are left out would be reset. */
function contextOf({ cert, key }: TlsPair) {
  return { cert, key, minVersion: 'TLSv1.3' } as const
}

/** A server that speaks HTTP/1.1 over TLS 1.3 alone. Loads node:https. */
export function tlsListener(
  options: ServerOptions,
  pair: TlsPair,
  listener?: RequestListener,
): TlsListener {
  const { createServer } = process.getBuiltinModule('node:https')
  const server = createServer(
    {
      ...options,
      ...contextOf(pair),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: handshakeMs,
    },
    listener,
  )
  return { server, secure: (next) => server.setSecureContext(contextOf(next)) }
}

/** Whether node tells of a handshake that failed: then nobody is there to read an answer. */
export function isHandshakeFailure({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO'
}
