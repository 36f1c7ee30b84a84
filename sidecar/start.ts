import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { WatchedConfig } from '#shared/config/watch.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { Origins } from '#shared/http/client.ts'
import { BodyLedger } from '#shared/http/receive.ts'
import { type HttpServer, startServer } from '#shared/http/server.ts'
import { jsonPage, startAdminServer, textPage } from '#shared/lifecycle/admin-server.ts'
import type { Arguments } from '#shared/lifecycle/arguments.ts'
import { drain, type Running } from '#shared/lifecycle/drain.ts'
import { Gate } from '#shared/lifecycle/gate.ts'
import { observeConfig } from '#shared/lifecycle/observe-config.ts'
import { TracingSwitch } from '#shared/lifecycle/tracing-switch.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { contentTypes, formatFor } from '#shared/telemetry/metrics.ts'
import type { SidecarCall } from './call.ts'
import { sidecarPipeline } from './pipeline.ts'
import { sidecarMetrics } from './telemetry/metrics.ts'

export interface StartOptions {
  readonly settings: Arguments
  readonly config: WatchedConfig
  readonly log: Log
  readonly clock: Clock
}

/** Before there is a configuration; afterwards its own values hold. Times in ms. */
const firstLimits = { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 }

/** Starts the sidecar: it listens at once, and answers 503 with the reason until it is configured. */
export async function startSidecar(options: StartOptions): Promise<Running> {
  const { settings, config, log, clock } = options
  const registry = sidecarMetrics()
  const { metrics } = registry
  const gate = new Gate()
  const ledger = new BodyLedger()
  const origins = new Origins()
  const calls = new Set<Cancellation>()
  const tracing = new TracingSwitch({
    load: async () => (await import('./telemetry/otel.ts')).startTracing,
    instance: `sidecar-${process.pid}`,
    clock,
    log,
    onDropped: (spans, reason) => metrics.tracesDropped.add(spans, [reason]),
  })
  const service = sidecarPipeline({
    log: () => log,
    metrics,
    tracer: () => tracing.tracer,
    gate,
    ledger,
    origins,
  })
  const server = await startServer({
    host: settings.host,
    port: settings.port,
    limits: firstLimits,
    clock,
    service,
    open(cancellation) {
      calls.add(cancellation)
      return newCall(cancellation, clock, config.current())
    },
    close: (cancellation) => void calls.delete(cancellation),
  })
  observeConfig(config, metrics)
  metrics.callsInFlight.collect(() => [[[], gate.inFlight]])
  metrics.bodyBytesHeld.collect(() => [[[], ledger.heldBytes]])
  const apply = (snapshot: Snapshot) => applySnapshot({ server, origins, tracing }, snapshot)
  const first = config.current()
  if (first !== undefined) apply(first)
  config.onChange((snapshot) => {
    metrics.configReloads.add(1, ['accepted'])
    apply(snapshot)
  })
  const probes = await startAdminServer(
    { host: settings.probesHost, port: settings.probesPort },
    {
      '/livez': () => textPage(200, 'alive'),
      // Ready also without a configuration: its pod must start, and calls are told the reason.
      '/readyz': () => textPage(200, 'ready'),
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
      '/statusz': () => jsonPage({ callsInFlight: gate.inFlight, isDraining: gate.isDraining }),
    },
  )
  return drain({
    ports: { port: server.port, probesPort: probes.port, adminPort: admin.port },
    clock,
    log,
    gate,
    server,
    limits: () => ({ delayMs: 0, graceMs: config.current()?.config.sidecar.drain.grace ?? 0 }),
    refusesWhileDraining: false,
    endCalls() {
      for (const call of calls) {
        call.cancel(new CallError('draining', 'Cannot finish: this process is ending'))
      }
    },
    async cleanUp() {
      await Promise.all([config.close(), tracing.stop(), probes.close(), admin.close()])
      await origins.destroy()
    },
  })
}

interface Applied {
  readonly server: HttpServer
  readonly origins: Origins
  readonly tracing: TracingSwitch
}

/** The ambassador's keep-alive is for its own connections; an application keeps its as long. */
const keepAliveMs = 75_000

function applySnapshot({ server, origins, tracing }: Applied, { config }: Snapshot): void {
  const { sidecar, providers } = config
  server.apply({ headBytesMax: sidecar.headMax, headMs: sidecar.headTimeout, keepAliveMs })
  const wanted = new Set(Object.values(providers).flatMap(({ address }) => address))
  origins.retain((origin) => wanted.has(origin.replace('http://', '')))
  tracing.apply(sidecar.traces)
}

function newCall(
  cancellation: Cancellation,
  clock: Clock,
  snapshot: Snapshot | undefined,
): SidecarCall {
  const startedMs = clock.now()
  return {
    clock,
    cancellation,
    startedMs,
    snapshot,
    id: clock.id(),
    deadlineMs: startedMs + (snapshot?.config.sidecar.deadline ?? 0),
    error: undefined,
    dialect: undefined,
    modelAsked: '',
    isStream: false,
    inputEstimate: 0,
    route: undefined,
    attempts: 0,
    headMs: undefined,
    usage: undefined,
    replay: undefined,
    span: undefined,
  }
}
