import { resolve } from 'node:path'
import { systemClock } from '#shared/call/clock.ts'
import { ambassadorSecrets, type Environment, sidecarSecrets } from '#shared/config/secrets.ts'
import { watchConfig } from '#shared/config/watch.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import type { Arguments } from './arguments.ts'
import type { Running } from './drain.ts'
import type { HalfOptions } from './half.ts'

interface ProcessParts {
  readonly half: 'sidecar' | 'ambassador'
  readonly settings: Arguments
  readonly environment: Environment
  readonly start: (options: HalfOptions) => Promise<Running>
}

/**
 * Small buffers are cut from pools of this size, and one that waits for a slow reader keeps all of its
 * pool. Node's own 64 KiB cost 200 KB for each of 500 readers that read nothing, this 95 KB (measured).
 */
const bufferPoolBytes = 8 * 1024

/** Runs this process as one half: SIGTERM and SIGINT drain, SIGHUP reloads; ends with 0 or 1. */
export async function runProcess(parts: ProcessParts): Promise<void> {
  const { half, settings, environment, start } = parts
  Buffer.poolSize = bufferPoolBytes
  const clock = systemClock
  const log = createLog({ level: 'info', half, clock })
  // Also where a defect ends the process: its last lines say why.
  process.once('exit', () => log.flush())
  const config = watchConfig({
    file: resolve(settings.config),
    tenantFile: settings.tenantConfig,
    secretsOf: half === 'sidecar' ? sidecarSecrets : ambassadorSecrets(settings.provider),
    environment,
    clock,
    log,
  })
  try {
    const running = await start({ settings, config, log, clock })
    process.on('SIGHUP', () => void config.reload())
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => running.stop(signal))
    }
    running.ended.then(
      () => process.exit(0),
      () => process.exit(1),
    )
    // One line for whoever started the process; everything else is the log's.
    const provider = settings.provider === '' ? {} : { provider: settings.provider }
    log.info({ ...running.ports, ...provider }, 'ready')
    log.flush()
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'Cannot start')
    log.flush()
    process.exit(1)
  }
}
