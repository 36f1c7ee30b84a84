import { dirname, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Cancellation } from '#shared/call/cancellation.ts'
import { allTargets } from '#shared/config/target-schema.ts'
import { Origins } from '#shared/http/client.ts'
import { BodyLedger } from '#shared/http/receive.ts'
import type { Running } from '#shared/lifecycle/drain.ts'
import { Gate } from '#shared/lifecycle/gate.ts'
import { type HalfOptions, serveHalf } from '#shared/lifecycle/half.ts'
import { observeConfig } from '#shared/lifecycle/observe-config.ts'
import { TracingSwitch } from '#shared/lifecycle/tracing-switch.ts'
import { Counter } from '#shared/tokens/counter.ts'
import { Encodings } from '#shared/tokens/encodings.ts'
import { originOptions } from './forward.ts'
import { newCall } from './new-call.ts'
import { sidecarPipeline } from './pipeline.ts'
import { explain } from './route/explain.ts'
import { Signals } from './route/signals.ts'
import { sidecarMetrics } from './telemetry/metrics.ts'

/** The ambassador's keep-alive is for its own connections; an application keeps its as long. */
const keepAliveMs = 75_000

/** Starts the sidecar: it listens at once, and answers 503 with the reason until it is configured. */
export function startSidecar(options: HalfOptions): Promise<Running> {
  const { config, log, clock } = options
  const registry = sidecarMetrics()
  const { metrics } = registry
  const gate = new Gate()
  const ledger = new BodyLedger()
  const origins = new Origins()
  const encodings = new Encodings(
    (encoding, error) =>
      log.error({ encoding, error: String(error) }, 'Cannot count: its models are estimated'),
    dirname(resolve(options.settings.config)),
  )
  const counter = new Counter(setImmediate, encodings)
  const signals = new Signals()
  const tracing = new TracingSwitch({
    load: async () => (await import('./telemetry/otel.ts')).startTracing,
    instance: `sidecar-${process.pid}`,
    clock,
    log,
    onDropped: (spans, reason) => metrics.tracesDropped.add(spans, [reason]),
  })
  observeConfig(config, metrics)
  metrics.callsInFlight.collect(() => [[[], gate.inFlight]])
  metrics.bodyBytesHeld.collect(() => [[[], ledger.heldBytes]])
  return serveHalf(options, {
    service: sidecarPipeline({
      log: () => log,
      metrics,
      tracer: () => tracing.tracer,
      gate,
      ledger,
      origins,
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
    isReady: () => true,
    status: () => ({ callsInFlight: gate.inFlight, isDraining: gate.isDraining }),
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
    apply({ config: { sidecar, ambassadors, models } }) {
      log.setLevel(sidecar.log.level)
      tracing.apply(sidecar.traces)
      const options = originOptions(sidecar)
      const addresses = Object.values(ambassadors).flatMap(({ address }) => address)
      const targets = Object.values(models).flatMap(allTargets)
      void encodings.retain(targets.flatMap(({ tokenizer }) => tokenizer ?? []))
      origins.retain(addresses.map((address) => [`http://${address}`, options]))
    },
    drainOf: (snapshot) => ({ delayMs: 0, graceMs: snapshot?.config.sidecar.drain.grace ?? 0 }),
    refusesWhileDraining: false,
    close: () => {},
  })
}
