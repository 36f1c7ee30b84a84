import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configOf, Half, type PairOptions } from '../harness.ts'

/** Halves and servers that stand beside a pair and end with it. */
export interface Besides {
  /** A half of its own; one whose file is invalid is ready too, and refuses its calls. */
  start(name: 'sidecar' | 'ambassador', given: Partial<PairOptions> | 'invalid'): Promise<Half>
  /** Gives the port of `server`, once it listens on loopback. */
  listen(server: Server): Promise<number>
  close(): Promise<void>
}

/** Nothing beside a pair yet. The ambassadors to come stand in front of the port `provider`. */
export function besides(provider: number): Besides {
  const halves: Half[] = []
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  const made = mkdtemp(join(tmpdir(), 'outrigger-errors-'))
  let count = 0
  return {
    async start(name, given) {
      const file = `${name}-${++count}.yaml`
      const options = given === 'invalid' ? {} : given
      const config = given === 'invalid' ? { models: 7 } : configOf({ provider, ...given }, [])
      const path = join(await made, file)
      await writeFile(path, JSON.stringify(config))
      const half = new Half(name, path, options.environment ?? {})
      halves.push(half)
      await half.whenReady()
      const isTaken = half.lines.some((line) => line['msg'] === 'configuration taken')
      assert.equal(isTaken, given !== 'invalid', half.output)
      return half
    },
    async listen(server) {
      servers.push(server)
      // A stage that fails to start must not keep the tests alive.
      server.unref()
      server.on('connection', (socket: Socket) => {
        sockets.add(socket.unref())
        socket.on('error', () => undefined)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    },
    async close() {
      await Promise.all(halves.map((half) => half.kill()))
      for (const socket of sockets) socket.destroy()
      for (const server of servers) server.close()
      await rm(await made, { recursive: true, force: true })
    },
  }
}
