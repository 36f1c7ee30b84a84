import { dirname, resolve } from 'node:path'
import { systemClock } from '#shared/call/clock.ts'
import { watchConfig } from '#shared/config/watch.ts'
import { readArguments } from '#shared/lifecycle/arguments.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { startAmbassador } from './start.ts'

const settings = readArguments(process.argv.slice(2), {
  config: '/etc/outrigger/outrigger.yaml',
  host: '0.0.0.0',
  port: 4_100,
  probesHost: '0.0.0.0',
  probesPort: 4_101,
  adminPort: 4_102,
  provider: '',
})
const file = resolve(settings.config)
const log = createLog({ level: 'info', half: 'ambassador', clock: systemClock })
const config = watchConfig({ file, environment: process.env, clock: systemClock, log })
try {
  const running = await startAmbassador({ settings, config, log, clock: systemClock })
  process.on('SIGHUP', () => void config.reload())
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => running.stop(signal))
  }
  running.ended.then(
    () => process.exit(0),
    () => process.exit(1),
  )
  // One line for whoever started the process; everything else is the log's.
  log.info({ ...running.ports, provider: settings.provider, directory: dirname(file) }, 'ready')
  log.flush()
} catch (error) {
  log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'Cannot start')
  log.flush()
  process.exit(1)
}
