import { runService } from '#shared/lifecycle/run-service.ts'
import { startWebhook } from './start.ts'

await runService({
  name: 'webhook',
  environment: process.env,
  start: (options) => startWebhook(process.argv.slice(2), options),
})
