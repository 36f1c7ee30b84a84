import { readArguments } from '#shared/lifecycle/arguments.ts'
import { runProcess } from '#shared/lifecycle/run-process.ts'
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
await runProcess({ half: 'ambassador', settings, environment: process.env, start: startAmbassador })
