import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { CallContext } from '#shared/call/context.ts'
import { InFlight } from '#shared/call/in-flight.ts'
import type { Service } from '#shared/call/service.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { WatchedConfig } from '#shared/config/watch.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Origins } from '#shared/http/client.ts'
import { type ServerLimits, startServer } from '#shared/http/server.ts'
import { TlsDirectory } from '#shared/http/tls-directory.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { logDefect } from '#shared/telemetry/defect.ts'
import { processHealth } from '#shared/telemetry/process-health.ts'
import { processStatus } from '#shared/telemetry/process-metrics.ts'
import { jsonPage, metricsPage, type Pages, startAdminServer, textPage } from './admin-server.ts'
import type { Arguments } from './arguments.ts'
import { diagnosticsPages } from './diagnostics/pages.ts'
import { drain, type Running } from './drain.ts'
import type { Gate } from './gate.ts'
import { startupPage } from './startup.ts'
import type { TracingSwitch } from './tracing-switch.ts'
import { Watchdog, type WatchdogConfig } from './watchdog.ts'

/** What a process of either kind is started with. */
export interface HalfOptions {
  readonly settings: Arguments
  readonly config: WatchedConfig
  readonly log: Log
  readonly clock: Clock
}

/** What one half is, apart from listening, probes, reload and drain. */
export interface Half<Context> {
  readonly service: Service<CallRequest, CallResponse, Context>
  readonly newCall: (cancellation: Cancellation, snapshot: Snapshot | undefined) => Context
  readonly gate: Gate
  readonly origins: Origins
  readonly tracing: TracingSwitch
  readonly render: (format: 'prometheus' | 'openmetrics') => string
  /** What it lacks to take calls, in words; nothing where it is ready. */
  readonly waitsFor: () => readonly string[]
  /** What of its start is under way, in words; nothing where it waits for nothing. */
  readonly startsAfter?: () => readonly string[]
  readonly diagnosticsOf: (
    snapshot: Snapshot,
  ) => WatchdogConfig & { readonly heapSnapshot: boolean }
  /** Further conditions, each at `/readyz/NAME`; none of them makes the process unready. */
  readonly conditions?: Readonly<Record<string, () => boolean>>
  readonly status: () => object
  /** Its own pages beside the probes, for the network. */
  readonly probePages?: Pages
  /** Its own pages on the loopback, besides those of every half. */
  readonly adminPages?: Pages
  readonly limitsOf: (snapshot: Snapshot) => ServerLimits
  /** Takes over a snapshot; the first comes before anything is served. */
  readonly apply: (snapshot: Snapshot) => void
  /** `delayMs` between turning unready and refusing; `graceMs` for calls in flight. */
  readonly drainOf: (snapshot: Snapshot | undefined) => { delayMs: number; graceMs: number }
  readonly refusesWhileDraining: boolean
  readonly close: () => void | Promise<void>
}

/** Before there is a configuration; afterwards its own values hold. */
const firstLimits: ServerLimits = { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 }

/** Serves a half until it is told to stop. Rejects when a port cannot be had. */
export async function serveHalf<Context extends CallContext>(
  options: HalfOptions,
  half: Half<Context>,
): Promise<Running> {
  const { settings, config, log, clock } = options
  const first = config.current()
  const watchdog = new Watchdog({
    clock,
    log,
    facts: () => ({ inFlight: half.gate.inFlight }),
    locate: async () => (await import('./diagnostics/block-locator.ts')).locateBlocks(clock),
  })
  if (first !== undefined) half.apply(first)
  const calls = new InFlight<Context>()
  const directory = settings.tls
  const tls = directory === undefined ? undefined : new TlsDirectory({ directory, clock, log })
  const server = await startServer({
    host: settings.host,
    port: settings.port,
    limits: first === undefined ? firstLimits : half.limitsOf(first),
    tls: tls?.pair,
    clock,
    service: half.service,
    open(cancellation, waitedMs) {
      const call = half.newCall(cancellation, config.current())
      call.waitedMs = waitedMs
      call.atEnd.push(calls.add(call))
      return call
    },
    close(call) {
      for (const end of call.atEnd) end()
    },
    onDefect: (error) => logDefect(log, error, ''),
  })
  tls?.follow((pair) => server.secure(pair))
  config.onChange((snapshot) => {
    server.apply(half.limitsOf(snapshot))
    half.apply(snapshot)
    watchdog.apply(half.diagnosticsOf(snapshot))
  })
  const admin = await startPages(options, half)
  // Behind the listening, which is what a pod waits for.
  processHealth.start()
  if (first !== undefined) watchdog.apply(half.diagnosticsOf(first))
  return drain({
    ports: { port: server.port, ...admin.ports },
    clock,
    log,
    gate: half.gate,
    server,
    limits: () => half.drainOf(config.current()),
    refusesWhileDraining: half.refusesWhileDraining,
    endCalls() {
      const reason = new CallError('draining', 'Cannot finish: this process is ending')
      for (const { cancellation } of calls.all()) cancellation.cancel(reason)
    },
    async cleanUp() {
      tls?.close()
      watchdog.close()
      await Promise.all([half.close(), config.close(), half.tracing.stop(), admin.close()])
      await half.origins.destroy()
    },
  })
}

/** Probes and metrics for the network, status pages for this machine. */
async function startPages<Context>({ settings, config, clock }: HalfOptions, half: Half<Context>) {
  const readiness = (holds: () => boolean) => () =>
    holds() ? textPage(200, 'ready') : textPage(503, 'not ready')
  const conditions = Object.entries(half.conditions ?? {}).map(
    ([name, holds]) => [`/readyz/${name}`, readiness(holds)] as const,
  )
  const probes = await startAdminServer(
    { host: settings.probesHost, port: settings.probesPort },
    {
      '/startupz': startupPage(half.startsAfter),
      '/livez': () => textPage(200, 'alive'),
      '/readyz': () => {
        const lacking = half.waitsFor()
        return lacking.length === 0
          ? textPage(200, 'ready')
          : textPage(503, ['not ready', ...lacking].join('\n'))
      },
      ...Object.fromEntries(conditions),
      '/metrics': metricsPage(half.render),
      ...half.probePages,
    },
  )
  const admin = await startAdminServer(
    { host: '127.0.0.1', port: settings.adminPort },
    {
      '/configz': () => jsonPage(config.configz()),
      '/statusz': () =>
        jsonPage({ ...half.status(), waitsFor: half.waitsFor(), process: processStatus() }),
      ...diagnosticsPages({
        clock,
        isHeapOpen() {
          const snapshot = config.current()
          return snapshot !== undefined && half.diagnosticsOf(snapshot).heapSnapshot
        },
        secrets: () => [...(config.current()?.secrets.values.values() ?? [])],
      }),
      ...half.adminPages,
    },
  )
  return {
    ports: { probesPort: probes.port, adminPort: admin.port },
    close: () => Promise.all([probes.close(), admin.close()]),
  }
}
