import { X509Certificate } from 'node:crypto'
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { systemNamespace } from '#deploy/inject/names.ts'
import { readVersion } from '#shared/config/read.ts'
import { TlsDirectory } from '#shared/http/tls-directory.ts'
import { serviceAccountDirectory } from '#shared/kubernetes/cluster-access.ts'
import { ownCluster } from '#shared/kubernetes/own-cluster.ts'
import { metricsPage, startAdminServer, textPage } from '#shared/lifecycle/admin-server.ts'
import type { RunningService, ServiceOptions } from '#shared/lifecycle/run-service.ts'
import { startupPage } from '#shared/lifecycle/startup.ts'
import { askVersion } from './ask-version.ts'
import { judgesOf } from './judges.ts'
import { webhookMetrics } from './metrics.ts'
import { OwnerEvents } from './owner-events.ts'
import { serve } from './serve.ts'
import { SettingsFile } from './settings-file.ts'

/** Endpoints leave the API server's view some seconds after SIGTERM: questions still come. */
const leaveMs = 5_000

/** Starts the admission webhook. Throws without a certificate, or without a cluster around it. */
export async function startWebhook(
  argv: readonly string[],
  { environment, clock, log }: ServiceOptions,
): Promise<RunningService> {
  const given = readArguments(argv)
  const directory = given['service-account']
  const api = ownCluster({ environment, clock, directory, name: 'webhook' })
  const registry = webhookMetrics()
  const { metrics } = registry
  const tls = new TlsDirectory({ directory: given.tls, clock, log })
  metrics.certificateEnd.collect(() => [[[], tls.pair.expiresMs / 1_000]])
  const settings = new SettingsFile({ file: given.settings, clock, log })
  const events = new OwnerEvents({
    api,
    clock,
    instance: given.instance,
    isExcluded: (namespace) => settings.current?.excludedNamespaces.includes(namespace) ?? true,
    onDropped: () => metrics.eventsDropped.add(1, []),
  })
  const server = await serve({
    host: given.host,
    port: Number(given.port),
    pair: tls.pair,
    clientAuthority: readAuthority(given['client-ca']),
    clock,
    judges: judgesOf({ settings, events, metrics, clock, namespace: given.namespace }),
  })
  tls.follow((pair) => server.secure(pair))
  const stopAsking = askVersion({
    api,
    clock,
    log,
    onVersion: (name) => settings.serverIs(name),
  })
  let isLeaving = false
  const probes = await startAdminServer(
    { host: given['probes-host'], port: Number(given['probes-port']) },
    {
      '/startupz': startupPage(),
      '/livez': () => textPage(200, 'alive'),
      '/readyz': () => {
        if (isLeaving) return textPage(503, 'ending')
        if (settings.current === undefined) return textPage(503, 'no valid injection settings yet')
        return tls.pair.expiresMs > clock.wall()
          ? textPage(200, 'ready')
          : textPage(503, 'the certificate has expired')
      },
      '/metrics': metricsPage(registry.render),
    },
  )
  return {
    ports: { port: server.port, probesPort: probes.port },
    async close() {
      isLeaving = true
      await server.leave(Number(given['leave-ms']))
      stopAsking()
      settings.close()
      tls.close()
      await server.close()
      api.close()
      await probes.close()
    },
  }
}

/** The authority of `--client-ca`. Throws where the file has no certificate: nobody would be answered. */
function readAuthority(file: string): string | undefined {
  if (file === '') return undefined
  const reading = readVersion(file)
  if (!reading.ok) throw new Error(`Cannot read the client authority '${file}': ${reading.reason}`)
  if (!isAuthority(reading.text)) {
    throw new Error(`Cannot read the client authority '${file}': it is no PEM certificate of one`)
  }
  return reading.text
}

function isAuthority(text: string): boolean {
  try {
    return new X509Certificate(text).ca
  } catch {
    return false
  }
}

function readArguments(argv: readonly string[]) {
  const text = (value: string) => ({ type: 'string' as const, default: value })
  const { values } = parseArgs({
    args: [...argv],
    options: {
      namespace: text(systemNamespace),
      settings: text('/etc/outrigger-inject/inject.yaml'),
      tls: text('/etc/outrigger-tls'),
      'client-ca': text(''),
      instance: text(hostname()),
      'service-account': text(serviceAccountDirectory),
      host: text('0.0.0.0'),
      port: text('10250'),
      'probes-host': text('0.0.0.0'),
      'probes-port': text('10251'),
      'leave-ms': text(String(leaveMs)),
    },
  })
  return values
}
