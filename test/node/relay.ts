import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'
import { nodeAddress } from '../cluster/node/sandbox.ts'

/** What listens on this machine's loopback, for pods. */
export interface Relay {
  readonly url: string
  close(): void
}

/** Carries connections from the node's address to `port` of 127.0.0.1. */
export async function startRelay(port: number): Promise<Relay> {
  const server = createServer((outer) => {
    const inner = connect(port, '127.0.0.1')
    // One end's end is the other's; whoever reads notices.
    pipeline(outer, inner, outer, () => undefined)
  }).listen(0, nodeAddress)
  await once(server, 'listening')
  server.unref()
  const address = server.address()
  const own = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `http://${nodeAddress}:${own}`, close: () => server.close() }
}
