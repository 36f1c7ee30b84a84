// Loaded with `--import` into every process of a local system under test: what a hosts file and a
// port redirection would do for the whole machine. Only where a connection goes to changes; names in
// TLS and in HTTP stay as the product wrote them. A host that is neither here nor in the map is
// refused, so that no test calls a real one.
import { Socket } from 'node:net'

const ports: Readonly<Record<string, number>> = JSON.parse(process.env['TEST_HOST_MAP'] ?? '{}')
const { connect } = Socket.prototype

function isHere(host: unknown): boolean {
  return host === undefined || host === 'localhost' || host === '127.0.0.1' || host === '::1'
}

/** Node gives either its options, or a list that begins with them. */
function redirect(given: unknown): unknown {
  if (Array.isArray(given)) {
    // The list is marked with a symbol, so it is kept and its first element exchanged.
    given[0] = redirect(given[0])
    return given
  }
  if (typeof given !== 'object' || given === null || !('port' in given)) return given
  const host = 'host' in given ? given.host : undefined
  if (isHere(host)) return given
  const port = typeof host === 'string' && given.port === 443 ? ports[host] : undefined
  if (port === undefined) throw new Error(`Cannot connect to '${String(host)}': not in the map`)
  return { ...given, host: '127.0.0.1', port }
}

Object.defineProperty(Socket.prototype, 'connect', {
  value(this: Socket, ...given: unknown[]) {
    given[0] = redirect(given[0])
    return Reflect.apply(connect, this, given)
  },
})
