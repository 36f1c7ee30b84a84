import type { Socket } from 'node:net'
import type { Clock } from '#shared/call/clock.ts'

/**
 * What ends a kept connection: an answer before any question. A caller that has asked nothing drops the
 * connection; one whose question crossed it knows from it that nobody has read the question, and asks
 * again. That is what 408 is for (RFC 9110, 15.5.9), and what clients and proxies expect of it.
 */
const farewell = [
  'HTTP/1.1 408 Request Timeout',
  'content-length: 0',
  'connection: close',
  'x-outrigger-attempts: 0',
  'x-outrigger-replay: safe',
  '\r\n',
].join('\r\n')

/** Longest wait for the caller's end, in ms. */
const lingerMs = 1_000

/**
 * Ends a connection that carries no call. A bare close would be a reset to a question on its way, and
 * whether that was read its caller could not know. Nothing that comes from here on is read.
 */
export function part(socket: Socket, clock: Clock): void {
  if (!socket.writable) return
  socket.end(farewell)
  // What is unread when it closes would reset the connection, and lose the farewell with it.
  socket.resume()
  socket.once(
    'close',
    clock.after(lingerMs, () => socket.destroy()),
  )
}
