import type { Clock } from '#shared/call/clock.ts'
import { pause } from '#shared/call/pause.ts'
import type { HttpServer } from '#shared/http/server.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { Gate } from './gate.ts'

export interface Ports {
  readonly port: number
  readonly probesPort: number
  readonly adminPort: number
}

/** A process that serves until it is told to stop. */
export interface Running {
  readonly ports: Ports
  /** Drains; told twice, ends at once. */
  stop(signal: string): void
  /** Resolves when all has ended cleanly. */
  readonly ended: Promise<void>
}

export interface DrainParts {
  readonly ports: Ports
  readonly clock: Clock
  readonly log: Log
  readonly gate: Gate
  readonly server: HttpServer
  /** `delayMs` between turning unready and refusing; `graceMs` for calls in flight. */
  readonly limits: () => { readonly delayMs: number; readonly graceMs: number }
  /** The ambassador refuses new calls; the sidecar goes on serving its own pod. */
  readonly refusesWhileDraining: boolean
  readonly endCalls: () => void
  readonly cleanUp: () => Promise<void>
}

/** After the error events of cut streams have been written: longest wait for readers, in ms. */
const lastWordsMs = 1_000

/** After so long without a question nobody is about to connect. In ms, as the next. */
const quietMs = 250
/** Longest wait for that: who has nobody else to ask asks here without end. */
const quietMsMax = 2_000

/**
 * Each caller has been told to go elsewhere: a connection that is begun while the listening ends is
 * reset by the kernel, with the question in it.
 */
async function untilQuiet(server: HttpServer, wait: (ms: number) => Promise<void>): Promise<void> {
  for (let waitedMs = 0; waitedMs < quietMsMax; ) {
    const leftMs = quietMs - server.quietMs()
    if (leftMs <= 0) return
    await wait(leftMs)
    waitedMs += leftMs
  }
}

/** Ends a process in order: unready, delay, refuse, finish what runs, cut the rest, clean up. */
export function drain(parts: DrainParts): Running {
  const { clock, log, gate, server } = parts
  let end: () => void = () => {}
  let isStopping = false
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const wait = (ms: number) => pause(clock, ms)
  const run = async (signal: string) => {
    const { delayMs, graceMs } = parts.limits()
    log.info({ signal, delayMs, graceMs, inFlight: gate.inFlight }, 'draining')
    server.leave()
    if (parts.refusesWhileDraining) {
      gate.turnUnready()
      await wait(delayMs)
      gate.drain()
    }
    await Promise.race([gate.idle(), wait(graceMs)])
    gate.drain()
    await untilQuiet(server, wait)
    if (gate.inFlight > 0) {
      log.warn({ inFlight: gate.inFlight }, 'ending the calls that are left')
      parts.endCalls()
      await Promise.race([gate.idle(), wait(lastWordsMs)])
    }
    await Promise.race([server.close(), wait(lastWordsMs)])
    server.destroy()
    await parts.cleanUp()
    log.info({ signal }, 'ended')
    log.flush()
    end()
  }
  return {
    ports: parts.ports,
    ended,
    stop(signal) {
      if (isStopping) {
        log.warn({ signal }, 'ending at once')
        log.flush()
        end()
        return
      }
      isStopping = true
      void run(signal)
    },
  }
}
