import type { Socket } from 'node:net'
import { errorBody } from '#shared/dialects/error-body.ts'
import { type Family, familyOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { ErrorCode } from '#shared/errors/table.ts'
import { isHandshakeFailure } from './tls-listener.ts'

/** What node's parser refuses, before any layer runs, answered from the same table. */
export function refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isHandshakeFailure(error)) {
    socket.destroy()
    return
  }
  const codes: Readonly<Record<string, ErrorCode>> = {
    HPE_HEADER_OVERFLOW: 'head-too-large',
    ERR_HTTP_REQUEST_TIMEOUT: 'head-slow',
  }
  const code = codes[error.code ?? ''] ?? 'malformed-request'
  const reason = error.code ?? 'unknown'
  const family = familyIn('rawPacket' in error ? error.rawPacket : undefined)
  refuse(socket, new CallError(code, `Cannot read the request: ${reason}`, { reason }), family)
}

/** Whose caller wrote a head that the parser gave up on: as far as it had come. */
function familyIn(packet: unknown): Family {
  const head = Buffer.isBuffer(packet) ? packet.toString('latin1') : ''
  const path = /^[A-Z]+ ([^ ?]+)/.exec(head)?.[1] ?? '/'
  return familyOf(path, /^anthropic-version:/im.test(head))
}

/** Answers on the bare socket, and ends it. */
export function refuse(socket: Socket, error: CallError, family: Family): void {
  const body = errorBody(family, error, undefined)
  const lines = [
    `HTTP/1.1 ${error.row.status} ${error.code}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...(error.row.replay === 'never' ? ['x-should-retry: false'] : []),
    ...(error.code === 'upgrade-refused' ? ['upgrade: HTTP/1.1'] : []),
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
