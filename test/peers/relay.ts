import { EventEmitter, once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A byte-for-byte way to a server on loopback that shows who ends a connection. */
export interface Relay {
  readonly port: number
  /** Resolves when a caller next ends its connection before the server does; rejects after 30 s. */
  whenLeft(): Promise<unknown>
  close(): Promise<void>
}

/** Opens a way to `target`, a port of this machine. */
export async function startRelay(target: number): Promise<Relay> {
  const events = new EventEmitter<{ left: [] }>()
  const sockets = new Set<Socket>()
  const server = createServer((caller) => {
    const callee = connect(target, '127.0.0.1')
    let isServed = true
    callee.on('end', () => {
      isServed = false
    })
    caller.on('close', () => {
      callee.destroy()
      if (isServed) events.emit('left')
    })
    callee.on('close', () => caller.destroy())
    for (const socket of [caller, callee]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {
        // Its close follows, and is what counts.
      })
    }
    caller.pipe(callee)
    callee.pipe(caller)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Cannot listen on a port')
  return {
    port: address.port,
    whenLeft: () => once(events, 'left', { signal: AbortSignal.timeout(30_000) }),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
