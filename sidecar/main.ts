import { resolve } from 'node:path'
import { systemClock } from '#shared/call/clock.ts'
import { watchConfig } from '#shared/config/watch.ts'
import { readArguments } from '#shared/lifecycle/arguments.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { startSidecar } from './start.ts'

const settings = readArguments(process.argv.slice(2), {
  config: '/etc/outrigger/outrigger.yaml',
  host: 'localhost',
  port: 4_000,
  probesHost: '0.0.0.0',
  probesPort: 4_001,
  adminPort: 4_002,
  provider: '',
})
const file = resolve(settings.config)
const log = createLog({ level: 'info', half: 'sidecar', clock: systemClock })
const config = watchConfig({ file, environment: process.env, clock: systemClock, log })
try {
  const running = await startSidecar({ settings, config, log, clock: systemClock })
  process.on('SIGHUP', () => void config.reload())
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => running.stop(signal))
  }
  running.ended.then(
    () => process.exit(0),
    () => process.exit(1),
  )
  log.info({ ...running.ports }, 'ready')
  log.flush()
} catch (error) {
  log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'Cannot start')
  log.flush()
  process.exit(1)
}
