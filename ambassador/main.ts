import { readArguments } from '#shared/lifecycle/arguments.ts'
import { runProcess } from '#shared/lifecycle/run-process.ts'
import { clusterReader } from './identity/cluster-reader.ts'
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
const { serviceAccount: directory } = settings
await runProcess({
  half: 'ambassador',
  settings,
  environment: process.env,
  start: (options) =>
    startAmbassador({
      ...options,
      cluster: clusterReader({ environment: process.env, clock: options.clock, directory }),
      loadDiscovery: async () =>
        (await import('./pool/discovery/start-discovery.ts')).startDiscoveryIn(
          process.env,
          directory,
        ),
    }),
})
