import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { CallRecord } from './call-log.ts'
import type { FaultQueue } from './fault.ts'
import { Host } from './host.ts'
import { completeOptions, type ReplicaOptions } from './options.ts'

/** A simulated vLLM server that listens on 127.0.0.1. */
export interface Replica {
  readonly port: number
  /** Faults of the next calls, as `POST /sim/faults` sets them. */
  readonly faults: FaultQueue
  /** Puts the whole replica into a condition; gives false where `text` is none (README.md). */
  enter(text: string): boolean
  /** The calls it has had, oldest first. */
  calls(): readonly CallRecord[]
  /** Resolves once no call is live. */
  whenIdle(): Promise<void>
  /** At this moment, where `/metrics` tells of the last step. */
  gauges(): { running: number; waiting: number; cacheUsage: number; generationTokens: number }
  /**
   * Takes no new call and resolves once none is live or `graceMs` are over: vLLM's
   * `--shutdown-timeout`.
   */
  drain(graceMs: number): Promise<void>
  /**
   * Aborts every call the way vLLM does at SIGTERM, then closes; a socket that still holds after
   * one second is cut.
   */
  close(): Promise<void>
}

/** Starts a replica. Errors: what `listen` gives, such as a port in use. */
export async function startReplica(given: Partial<ReplicaOptions> = {}): Promise<Replica> {
  const options = completeOptions(given)
  const server = createServer((request, response) => host.serve(request, response))
  const host = new Host(options, options.kill ?? (() => cutAll(server, host.sockets)))
  server.on('connection', (socket) => {
    host.sockets.add(socket)
    socket.on('close', () => host.sockets.delete(socket))
  })
  server.keepAliveTimeout = options.keepAliveMs
  server.keepAliveTimeoutBuffer = 0
  // A queued answer may take minutes, and the simulator's faults stall on purpose.
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  const { engine, log } = host
  return {
    port,
    faults: host.faults,
    enter: (text) => host.condition.enter(text),
    calls: () => log.list(),
    whenIdle: () => log.whenIdle(),
    gauges: () => ({
      running: engine.running,
      waiting: engine.waiting,
      cacheUsage: engine.cacheUsage,
      generationTokens: engine.totals.generated,
    }),
    drain: (graceMs) => host.drain(graceMs),
    close: () => host.close(server),
  }
}

/** What the kernel does when a process is killed, with RST for what was not read. */
function cutAll(server: Server, sockets: ReadonlySet<Socket>): void {
  server.close()
  for (const socket of sockets) socket.resetAndDestroy()
}
