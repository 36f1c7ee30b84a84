import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { readLifetimes } from '#deploy/certificates/lifetimes.ts'
import { systemNamespace } from '#deploy/inject/names.ts'
import { parseDuration } from '#shared/config/units.ts'
import { serviceAccountDirectory } from '#shared/kubernetes/cluster-access.ts'
import { ownCluster } from '#shared/kubernetes/own-cluster.ts'
import { metricsPage, startAdminServer, textPage } from '#shared/lifecycle/admin-server.ts'
import type { RunningService, ServiceOptions } from '#shared/lifecycle/run-service.ts'
import { startupPage } from '#shared/lifecycle/startup.ts'
import { Controller, type ControllerSettings } from './controller.ts'
import { LeaderLease } from './lease.ts'
import { controllerMetrics } from './metrics.ts'

/** Of the namespace's controllers, one at a time. */
const leaseName = 'outrigger-controller'

/**
 * Starts a controller: it stands by until it holds the lease, and works while it does. Throws where
 * there is no cluster around it.
 */
export async function startController(
  argv: readonly string[],
  { environment, clock, log }: ServiceOptions,
): Promise<RunningService> {
  const { settings, directory, host, port } = readSettings(argv)
  const api = ownCluster({ environment, clock, directory, name: 'controller' })
  const registry = controllerMetrics()
  const { metrics } = registry
  let controller: Controller | undefined
  let ending: Promise<void> = Promise.resolve()
  metrics.isLeader.set(0, [])
  const stop = () => {
    const last = controller
    controller = undefined
    ending = ending.then(() => last?.close())
    return ending
  }
  const lease = new LeaderLease({
    api,
    clock,
    namespace: settings.namespace,
    name: leaseName,
    identity: settings.instance,
    onChange(isLeader) {
      metrics.isLeader.set(isLeader ? 1 : 0, [])
      log.info({ isLeader }, isLeader ? 'this process leads' : 'this process stands by')
      if (isLeader) controller = new Controller({ api, clock, log, metrics, settings })
      else void stop()
    },
  })
  const probes = await startAdminServer(
    { host, port },
    {
      '/startupz': startupPage(),
      '/livez': () => textPage(200, 'alive'),
      // Whoever stands by is ready to: a roll-out must not wait for it to lead.
      '/readyz': () =>
        lease.isHeard ? textPage(200, 'ready') : textPage(503, 'the API server has not answered'),
      '/metrics': metricsPage(registry.render),
    },
  )
  return {
    ports: { probesPort: probes.port },
    async close() {
      await stop()
      await lease.close()
      api.close()
      await probes.close()
    },
  }
}

function readSettings(argv: readonly string[]) {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      namespace: { type: 'string', default: systemNamespace },
      transport: { type: 'string', default: 'tls' },
      touch: { type: 'string', default: 'nothing' },
      lifetimes: { type: 'string', default: '' },
      linger: { type: 'string', default: '5m' },
      instance: { type: 'string', default: hostname() },
      'service-account': { type: 'string', default: serviceAccountDirectory },
      'probes-host': { type: 'string', default: '0.0.0.0' },
      'probes-port': { type: 'string', default: '10261' },
    },
  })
  const settings: ControllerSettings = {
    namespace: values.namespace,
    instance: values.instance,
    transport: oneOf(['tls', 'plain'], values.transport, 'transport'),
    touches: oneOf(['pods', 'nothing'], values.touch, 'touch'),
    lifetimes: readLifetimes(values.lifetimes),
    lingerMs: durationOf(values.linger, 'linger'),
  }
  const port = Number(values['probes-port'])
  return { settings, directory: values['service-account'], host: values['probes-host'], port }
}

function durationOf(given: string, name: string): number {
  const parsed = parseDuration(given)
  if (parsed.ok) return parsed.value
  throw new Error(`Cannot read --${name}: '${given}' is no duration such as 5m`)
}

function oneOf<Word extends string>(words: readonly Word[], given: string, name: string): Word {
  const word = words.find((each) => each === given)
  if (word !== undefined) return word
  throw new Error(`Cannot read --${name}: '${given}' is not one of ${words.join(', ')}`)
}
