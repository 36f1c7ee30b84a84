import { readArguments } from '#shared/lifecycle/arguments.ts'
import { runProcess } from '#shared/lifecycle/run-process.ts'
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
await runProcess({ half: 'sidecar', settings, environment: process.env, start: startSidecar })
