import type { ListenOptions, Server } from 'node:net'

/** Listens, and gives the port: one that is free where 0 is asked for. Rejects where it cannot be had. */
export function listen(
  server: Server,
  at: ListenOptions & { readonly port: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, () => {
      server.off('error', reject)
      const bound = server.address()
      resolve(typeof bound === 'object' && bound !== null ? bound.port : at.port)
    })
  })
}
