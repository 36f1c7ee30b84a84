import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '#shared/call/clock.ts'
import { errorBody } from '#shared/dialects/error-body.ts'
import { type Family, familyOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { ErrorCode } from '#shared/errors/table.ts'
import { requestTarget } from './request-target.ts'
import { isHandshakeFailure } from './tls-listener.ts'

/** What is answered on a bare connection, and to whom. */
export interface Refusal {
  readonly error: CallError
  readonly family: Family
  readonly clock: Clock
}

/** A connection with the last answer that is under way on it. */
interface Asking {
  readonly socket: Socket
  readonly last: ServerResponse | undefined
  readonly clock: Clock
}

/**
 * What node's parser refuses, before any layer runs, answered from the same table. What comes behind a
 * question waits for its answer, whose bytes would else be mixed with the refusal's.
 */
export function refuseBroken(error: NodeJS.ErrnoException, { socket, last, clock }: Asking): void {
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
  const said = new CallError(code, `Cannot read the request: ${reason}`, { reason })
  const refusal = { error: said, family, clock }
  if (last !== undefined && isOwnBody(last)) refuse(socket, refusal)
  else refuseBehind(last, socket, refusal)
}

/** Refuses once `last`, the latest answer of the connection, has ended. */
export function refuseBehind(
  last: ServerResponse | undefined,
  socket: Socket,
  refusal: Refusal,
): void {
  if (last === undefined || last.closed) refuse(socket, refusal)
  else last.once('close', () => refuse(socket, refusal))
}

/** Whether the bytes that make no sense are the body of the very question that is to be answered. */
function isOwnBody({ req, headersSent, socket }: ServerResponse): boolean {
  return !req.complete && !headersSent && socket !== null
}

/** Whose caller wrote a head that the parser gave up on: as far as it had come. */
function familyIn(packet: unknown): Family {
  const head = Buffer.isBuffer(packet) ? packet.toString('latin1') : ''
  const url = /^\S+ (\S+)/.exec(head)?.[1] ?? '/'
  const { path, family } = requestTarget(url)
  return family ?? familyOf(path, /^anthropic-version:/im.test(head))
}

/** Longest wait for the caller's end of a refused connection, in ms. */
const lingerMs = 1_000

/**
 * Answers on the bare socket, and ends it. What still comes is read and dropped: closing at once would
 * reset the connection, and lose the answer with it (RFC 9112, 9.6).
 */
export function refuse(socket: Socket, { error, family, clock }: Refusal): void {
  if (!socket.writable) return
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
  socket.resume()
  socket.once(
    'close',
    clock.after(lingerMs, () => socket.destroy()),
  )
}
