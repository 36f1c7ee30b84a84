import { dirname, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Cancellation } from '#shared/call/cancellation.ts'
import { allTargets } from '#shared/config/target-schema.ts'
import { Origins } from '#shared/http/client.ts'
import { BodyLedger } from '#shared/http/receive.ts'
import { TrustFile } from '#shared/http/tls-trust.ts'
import type { Running } from '#shared/lifecycle/drain.ts'
import { Gate } from '#shared/lifecycle/gate.ts'
import { type HalfOptions, serveHalf } from '#shared/lifecycle/half.ts'
import { MetricsSwitch } from '#shared/lifecycle/metrics-switch.ts'
import { observeConfig } from '#shared/lifecycle/observe-config.ts'
import { TracingSwitch } from '#shared/lifecycle/tracing-switch.ts'
import { Counter } from '#shared/tokens/counter.ts'
import { Encodings } from '#shared/tokens/encodings.ts'
import { Addresses } from './addresses/addresses.ts'
import { Heartbeat } from './heartbeat.ts'
import { TokenFile } from './identity/token-file.ts'
import { newCall } from './new-call.ts'
import { sidecarPipeline } from './pipeline.ts'
import { explain } from './route/explain.ts'
import { Signals } from './route/signals.ts'
import { sidecarMetrics } from './telemetry/metrics.ts'

/** The ambassador's keep-alive is for its own connections; an application keeps its as long. */
const keepAliveMs = 75_000

/** Starts the sidecar: it listens at once, and answers 503 with the reason until it is configured. */
export function startSidecar(options: HalfOptions): Promise<Running> {
  const { config, log, clock, settings } = options
  const registry = sidecarMetrics()
  const { metrics } = registry
  const gate = new Gate()
  const ledger = new BodyLedger()
  const origins = new Origins()
  const directory = dirname(resolve(settings.config))
  const { token: path } = settings
  const token = path === undefined ? undefined : new TokenFile({ path, clock, log })
  const trust = new TrustFile({ clock, log, onChange: () => addresses.trustChanged() })
  const addresses = new Addresses({ origins, trust, clock })
  const encodings = new Encodings(
    (encoding, error) =>
      log.error({ encoding, error: String(error) }, 'Cannot count: its models are estimated'),
    directory,
  )
  const counter = new Counter(setImmediate, encodings)
  const signals = new Signals()
  const instance = `sidecar-${process.pid}`
  const pushes = new MetricsSwitch({
    service: 'outrigger-sidecar',
    instance,
    families: registry.families,
    clock,
    log,
    onFailed: (reason) => metrics.metricPushesFailed.add(1, [reason]),
  })
  const tracing = new TracingSwitch({
    load: async () => (await import('./telemetry/otel.ts')).startTracing,
    instance,
    clock,
    log,
    onDropped: (spans, reason) => metrics.tracesDropped.add(spans, [reason]),
  })
  const heartbeat = token && new Heartbeat({ clock, config, addresses, token, trust })
  observeConfig(config, metrics)
  metrics.tokenExpires.collect(() => {
    const leftSeconds = token?.leftSeconds
    return leftSeconds === undefined ? [] : [[[], leftSeconds]]
  })
  metrics.targetsPassedOver.collect(() =>
    signals.away(clock.now()).map(({ provider, model }) => [[provider, model], 1]),
  )
  metrics.addresses.collect(() => {
    const { ambassadors = {} } = config.current()?.config ?? {}
    return Object.entries(ambassadors).flatMap(([provider, { address }]) => {
      const { known, aside } = addresses.counts(address)
      return [
        [[provider, 'used'], known - aside],
        [[provider, 'aside'], aside],
      ]
    })
  })
  metrics.callsInFlight.collect(() => [[[], gate.inFlight]])
  metrics.bodyBytesHeld.collect(() => [[[], ledger.heldBytes]])
  return serveHalf(options, {
    service: sidecarPipeline({
      log: () => log,
      metrics,
      tracer: () => tracing.tracer,
      gate,
      ledger,
      addresses,
      token,
      trust,
      onHeard: (hash) => heartbeat?.tell(hash),
      counter,
      signals,
      onFallback: ({ provider }, reason, { modelAsked }) =>
        metrics.fallbacks.add(1, [modelAsked, provider, reason]),
    }),
    newCall: (cancellation, snapshot) => newCall({ cancellation, clock, snapshot }),
    gate,
    origins,
    tracing,
    render: registry.render,
    // Also without a configuration: its pod must start, and calls are told the reason.
    waitsFor: () => [],
    diagnosticsOf: ({ config: { sidecar } }) => sidecar.diagnostics,
    status: () => ({
      callsInFlight: gate.inFlight,
      isDraining: gate.isDraining,
      ambassadors: addresses.status(),
      targetsPassedOver: signals.away(clock.now()),
      answers503: config.current() === undefined ? 'there is no valid configuration' : undefined,
    }),
    adminPages: {
      '/explain': explain({
        counter,
        signals,
        log: () => log,
        newCall: () =>
          newCall({ cancellation: new Cancellation(), clock, snapshot: config.current() }),
      }),
    },
    limitsOf: ({ config: { sidecar } }) => ({
      headBytesMax: sidecar.headMax,
      headMs: sidecar.headTimeout,
      keepAliveMs,
    }),
    apply(snapshot) {
      const { sidecar, models } = snapshot.config
      log.setLevel(sidecar.log.level)
      tracing.apply(sidecar.traces)
      pushes.apply(sidecar.metrics)
      trust.follow(sidecar.tls === undefined ? undefined : resolve(directory, sidecar.tls.ca.file))
      const targets = Object.values(models).flatMap(allTargets)
      void encodings.retain(targets.flatMap(({ tokenizer }) => tokenizer ?? []))
      const { ambassadors } = snapshot.config
      addresses.retain(
        Object.values(ambassadors).flatMap(({ address }) => address),
        sidecar,
      )
    },
    drainOf: (snapshot) => ({ delayMs: 0, graceMs: snapshot?.config.sidecar.drain.grace ?? 0 }),
    refusesWhileDraining: false,
    async close() {
      heartbeat?.close()
      token?.close()
      trust.close()
      await pushes.stop()
    },
  })
}
