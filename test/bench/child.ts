import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Listens on a free port of the loopback and gives it. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('Cannot listen: no port')
  return address.port
}

/** Tells the bench something; a child whose bench has gone ends. */
export function say(message: object): void {
  process.send?.(message)
}

process.on('disconnect', () => process.exit(0))
