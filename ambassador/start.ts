import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { WatchedConfig } from '#shared/config/watch.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { Origins } from '#shared/http/client.ts'
import { BodyLedger } from '#shared/http/receive.ts'
import { startServer } from '#shared/http/server.ts'
import { jsonPage, startAdminServer, textPage } from '#shared/lifecycle/admin-server.ts'
import type { Arguments } from '#shared/lifecycle/arguments.ts'
import { drain, type Running } from '#shared/lifecycle/drain.ts'
import { Gate } from '#shared/lifecycle/gate.ts'
import { observeConfig } from '#shared/lifecycle/observe-config.ts'
import { TracingSwitch } from '#shared/lifecycle/tracing-switch.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { contentTypes, formatFor } from '#shared/telemetry/metrics.ts'
import type { AmbassadorCall } from './call.ts'
import { reachOf } from './identity/identity.ts'
import { ambassadorPipeline } from './pipeline.ts'
import { ReplicaPool } from './pool/pool.ts'
import { ambassadorMetrics } from './telemetry/metrics.ts'

export interface StartOptions {
  readonly settings: Arguments
  readonly config: WatchedConfig
  readonly log: Log
  readonly clock: Clock
}

/** Before there is a configuration; afterwards its own values hold. Times in ms. */
const firstLimits = { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 }

/** Starts one ambassador: it listens at once, and is ready with its first valid configuration. */
export async function startAmbassador(options: StartOptions): Promise<Running> {
  const { settings, config, log, clock } = options
  const registry = ambassadorMetrics()
  const { metrics } = registry
  const gate = new Gate()
  const ledger = new BodyLedger()
  const origins = new Origins()
  const calls = new Set<Cancellation>()
  const pool = new ReplicaPool({
    clock,
    origins,
    onHealth: ({ origin, isHealthy }) =>
      log.warn(
        { replica: origin, isHealthy },
        isHealthy ? 'replica is back' : 'replica is left out',
      ),
  })
  const tracing = new TracingSwitch({
    load: async () => (await import('./telemetry/otel.ts')).startTracing,
    instance: `ambassador-${settings.provider}-${process.pid}`,
    clock,
    log,
    onDropped: (spans, reason) => metrics.tracesDropped.add(spans, [reason]),
  })
  const service = ambassadorPipeline({
    log: () => log,
    metrics,
    tracer: () => tracing.tracer,
    gate,
    reach: reachOf(settings.host),
    ledger,
    origins,
    pool,
    onResult: (result) => metrics.attempts.add(1, [settings.provider, result]),
  })
  const open = (cancellation: Cancellation): AmbassadorCall => {
    calls.add(cancellation)
    return newCall({ cancellation, clock, provider: settings.provider }, config.current())
  }
  const server = await startServer({
    host: settings.host,
    port: settings.port,
    limits: firstLimits,
    clock,
    service,
    open,
    close: (cancellation) => void calls.delete(cancellation),
  })
  const apply = (snapshot: Snapshot) => {
    const { ambassador, providers } = snapshot.config
    server.apply({
      headBytesMax: ambassador.headMax,
      headMs: ambassador.headTimeout,
      keepAliveMs: ambassador.keepAlive,
    })
    const provider = providers[settings.provider]
    if (provider?.kind === 'vllm') pool.configure(provider.replicas)
    const wanted = new Set(provider?.kind === 'vllm' ? provider.replicas.addresses : [])
    if (provider !== undefined && provider.kind !== 'vllm')
      wanted.add(new URL(provider.baseUrl).origin)
    origins.retain((origin) => wanted.has(origin))
    tracing.apply(ambassador.traces)
  }
  observeConfig(config, metrics)
  metrics.callsInFlight.collect(() => [[[settings.provider], gate.inFlight]])
  metrics.bodyBytesHeld.collect(() => [[[], ledger.heldBytes]])
  metrics.replicaHealthy.collect(() =>
    pool.replicas.map((r) => [[settings.provider, r.origin], r.isHealthy ? 1 : 0]),
  )
  metrics.replicaCallsInFlight.collect(() =>
    pool.replicas.map((r) => [[settings.provider, r.origin], r.inFlight]),
  )
  const first = config.current()
  if (first !== undefined) {
    refuseOpenToAll(first, settings.host)
    apply(first)
  }
  config.onChange((snapshot) => {
    metrics.configReloads.add(1, ['accepted'])
    apply(snapshot)
  })
  const isReady = () =>
    gate.isReady && config.current()?.config.providers[settings.provider] !== undefined
  const probes = await startAdminServer(
    { host: settings.probesHost, port: settings.probesPort },
    {
      '/livez': () => textPage(200, 'alive'),
      '/readyz': () => (isReady() ? textPage(200, 'ready') : textPage(503, 'not ready')),
      '/metrics': (accept) => {
        const format = formatFor(accept)
        return { status: 200, type: contentTypes[format], text: registry.render(format) }
      },
    },
  )
  const admin = await startAdminServer(
    { host: '127.0.0.1', port: settings.adminPort },
    {
      '/configz': () => jsonPage(config.configz()),
      '/statusz': () =>
        jsonPage({
          provider: settings.provider,
          callsInFlight: gate.inFlight,
          isDraining: gate.isDraining,
          replicas: pool.replicas,
        }),
    },
  )
  return drain({
    ports: { port: server.port, probesPort: probes.port, adminPort: admin.port },
    clock,
    log,
    gate,
    server,
    limits: () => {
      const limits = config.current()?.config.ambassador.drain
      return { delayMs: limits?.delay ?? 0, graceMs: limits?.grace ?? 0 }
    },
    refusesWhileDraining: true,
    endCalls: () => {
      for (const call of calls) {
        call.cancel(new CallError('draining', 'Cannot finish: this process is ending'))
      }
    },
    cleanUp: async () => {
      pool.close()
      await Promise.all([config.close(), tracing.stop(), probes.close(), admin.close()])
      await origins.destroy()
    },
  })
}

/** Everybody who can connect would be the tenant: only this machine may. */
function refuseOpenToAll(snapshot: Snapshot, host: string): void {
  if (snapshot.config.ambassador.identity.kind === 'open' && reachOf(host) === 'network') {
    throw new Error(
      `Cannot listen on '${host}' with ambassador.identity.kind 'open': use 127.0.0.1 or shared-secret`,
    )
  }
}

interface Opening {
  readonly cancellation: Cancellation
  readonly clock: Clock
  readonly provider: string
}

function newCall(
  { cancellation, clock, provider }: Opening,
  snapshot: Snapshot | undefined,
): AmbassadorCall {
  const startedMs = clock.now()
  return {
    clock,
    cancellation,
    startedMs,
    snapshot,
    id: clock.id(),
    deadlineMs: startedMs,
    error: undefined,
    provider,
    tenant: '',
    workload: '',
    class: 'interactive',
    dialect: undefined,
    modelAsked: '',
    model: '',
    modelServed: undefined,
    isStream: false,
    inputEstimate: 0,
    attempts: 0,
    replica: undefined,
    usage: undefined,
    firstContentMs: undefined,
    finishReason: undefined,
    streamWatch: undefined,
    span: undefined,
  }
}
