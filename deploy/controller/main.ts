import { runService } from '#shared/lifecycle/run-service.ts'
import { startController } from './start.ts'

await runService({
  name: 'controller',
  environment: process.env,
  start: (options) => startController(process.argv.slice(2), options),
})
