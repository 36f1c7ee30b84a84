import { type Clock, systemClock } from '#shared/call/clock.ts'
import type { Environment } from '#shared/config/secrets.ts'
import { createLog, type Log } from '#shared/telemetry/access-log.ts'

/** What a process that is none of the two halves is started with. */
export interface ServiceOptions {
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Log
}

/** A process that serves until it is closed. */
export interface RunningService {
  /** By name, for the line that says it is ready. */
  readonly ports: Readonly<Record<string, number>>
  /** Ends what runs; resolves when all has ended. */
  close(): Promise<void>
}

interface ServiceParts {
  readonly name: 'webhook' | 'controller'
  readonly environment: Environment
  readonly start: (options: ServiceOptions) => Promise<RunningService>
}

/** Runs this process: SIGTERM and SIGINT end it in order, told twice at once. Ends with 0 or 1. */
export async function runService({ name, environment, start }: ServiceParts): Promise<void> {
  const clock = systemClock
  const log = createLog({ level: 'info', half: name, clock })
  process.once('exit', () => log.flush())
  try {
    const running = await start({ environment, clock, log })
    let isEnding = false
    const end = (signal: string) => {
      if (isEnding) process.exit(1)
      isEnding = true
      log.info({ signal }, 'ending')
      running.close().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ error: String(error) }, 'Cannot end in order')
          process.exit(1)
        },
      )
    }
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal))
    log.info({ ...running.ports }, 'ready')
    log.flush()
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'Cannot start')
    log.flush()
    process.exit(1)
  }
}
