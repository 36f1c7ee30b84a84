import type { Snapshot } from '#shared/config/snapshot.ts'
import { Origins } from '#shared/http/client.ts'
import { BodyLedger } from '#shared/http/receive.ts'
import type { Running } from '#shared/lifecycle/drain.ts'
import { Gate } from '#shared/lifecycle/gate.ts'
import { type HalfOptions, serveHalf } from '#shared/lifecycle/half.ts'
import { observeConfig } from '#shared/lifecycle/observe-config.ts'
import { TracingSwitch } from '#shared/lifecycle/tracing-switch.ts'
import { originOptions } from './attempt/attempt.ts'
import type { AmbassadorCall } from './call.ts'
import { reachOf } from './identity/identity.ts'
import { LimitJournal } from './limits/journal.ts'
import { JournalFile } from './limits/journal-file.ts'
import { Limiter } from './limits/limiter.ts'
import { MemoryStore } from './limits/memory-store.ts'
import { OutputRatios } from './output-ratios.ts'
import { ambassadorPipeline } from './pipeline.ts'
import { probeOptions, ReplicaPool } from './pool/pool.ts'
import { picoUsdOf } from './price.ts'
import { loadPublished } from './prices/published-prices.ts'
import { PriceShelf } from './prices/shelf.ts'
import { type AmbassadorMetrics, ambassadorMetrics } from './telemetry/metrics.ts'

/** Starts one ambassador: it listens at once, and is ready with its first valid configuration. */
export function startAmbassador(options: HalfOptions): Promise<Running> {
  const { settings, config, log, clock } = options
  const registry = ambassadorMetrics()
  const { metrics } = registry
  const gate = new Gate()
  const ledger = new BodyLedger()
  const origins = new Origins()
  const pool = startPool(options, origins)
  const prices = new PriceShelf({
    provider: settings.provider,
    load: loadPublished,
    onProblem: (error) => log.error({ error: String(error) }, 'Cannot read the published prices'),
  })
  const store = new MemoryStore()
  const limiter = new Limiter({ provider: settings.provider, store, clock })
  const journal = new LimitJournal({
    store,
    clock,
    provider: settings.provider,
    open: (path) => new JournalFile(path),
    onTrouble: (problem) =>
      problem === undefined
        ? log.warn({}, 'The journal of limits is written again')
        : log.error({ problem }, 'Cannot keep the journal of limits: they count in memory'),
  })
  const tracing = new TracingSwitch({
    load: async () => (await import('./telemetry/otel.ts')).startTracing,
    instance: `ambassador-${settings.provider}-${process.pid}`,
    clock,
    log,
    onDropped: (spans, reason) => metrics.tracesDropped.add(spans, [reason]),
  })
  observeConfig(config, metrics)
  observe(metrics, settings.provider, { gate, ledger, pool, limiter })
  return serveHalf(options, {
    service: ambassadorPipeline({
      log: () => log,
      metrics,
      tracer: () => tracing.tracer,
      ratios: new OutputRatios(),
      prices,
      limiter,
      picoUsdOf,
      gate,
      counts: new Gate(),
      reach: reachOf(settings.host),
      ledger,
      origins,
      pool,
      onResult: (result) => metrics.attempts.add(1, [settings.provider, result]),
    }),
    newCall: (cancellation, snapshot) =>
      newCall({ cancellation, clock, provider: settings.provider, snapshot }),
    gate,
    origins,
    tracing,
    render: registry.render,
    isReady: () =>
      gate.isReady &&
      prices.isReady &&
      config.current()?.config.providers[settings.provider] !== undefined,
    status: () => ({
      provider: settings.provider,
      callsInFlight: gate.inFlight,
      limits: limiter.readings(),
      journal: journal.state,
      isDraining: gate.isDraining,
      replicas: pool.replicas,
    }),
    limitsOf: ({ config: { ambassador } }) => ({
      headBytesMax: ambassador.headMax,
      headMs: ambassador.headTimeout,
      keepAliveMs: ambassador.keepAlive,
    }),
    apply(snapshot) {
      if (snapshot.generation === 1) refuseOpenToAll(snapshot, settings.host)
      log.setLevel(snapshot.config.ambassador.log.level)
      tracing.apply(snapshot.config.ambassador.traces)
      // First what was used, then what is allowed of it.
      journal.configure(snapshot.config.ambassador.journal)
      limiter.configure(snapshot.config)
      const provider = snapshot.config.providers[settings.provider]
      if (provider !== undefined) prices.apply(provider)
      if (provider?.kind === 'vllm') {
        pool.configure(provider.replicas)
        const calls = originOptions(provider)
        const probes = probeOptions(provider.replicas.health)
        origins.retain(
          provider.replicas.addresses.flatMap((origin) => [
            [origin, calls],
            [origin, probes],
          ]),
        )
      } else if (provider !== undefined) {
        origins.retain([[new URL(provider.baseUrl).origin, originOptions(provider)]])
      }
    },
    drainOf: (snapshot) => ({
      delayMs: snapshot?.config.ambassador.drain.delay ?? 0,
      graceMs: snapshot?.config.ambassador.drain.grace ?? 0,
    }),
    refusesWhileDraining: true,
    async close() {
      pool.close()
      await journal.close()
    },
  })
}

function startPool({ clock, log }: HalfOptions, origins: Origins): ReplicaPool {
  return new ReplicaPool({
    clock,
    origins,
    onHealth({ origin, isHealthy }) {
      log.warn({ replica: origin }, isHealthy ? 'replica is back' : 'replica is left out')
    },
  })
}

interface Observed {
  readonly gate: Gate
  readonly ledger: BodyLedger
  readonly pool: ReplicaPool
  readonly limiter: Limiter
}

function observe(metrics: AmbassadorMetrics, provider: string, parts: Observed): void {
  const { gate, ledger, pool, limiter } = parts
  metrics.limitUsed.collect(() =>
    limiter.readings().map(({ tenant, limit, model, used }) => [[tenant, limit, model], used]),
  )
  metrics.limitAllowed.collect(() =>
    limiter
      .readings()
      .map(({ tenant, limit, model, allowed }) => [[tenant, limit, model], allowed]),
  )
  metrics.tenantCallsInFlight.collect(() =>
    limiter.placesTaken().map(([tenant, calls]) => [[tenant], calls]),
  )
  metrics.callsInFlight.collect(() => [[[provider], gate.inFlight]])
  metrics.bodyBytesHeld.collect(() => [[[], ledger.heldBytes]])
  metrics.replicaHealthy.collect(() =>
    pool.replicas.map(({ origin, isHealthy }) => [[provider, origin], isHealthy ? 1 : 0]),
  )
  metrics.replicaCallsInFlight.collect(() =>
    pool.replicas.map(({ origin, inFlight }) => [[provider, origin], inFlight]),
  )
}

/** Everybody who can connect would be the tenant: only this machine may. */
function refuseOpenToAll(snapshot: Snapshot, host: string): void {
  if (snapshot.config.ambassador.identity.kind === 'open' && reachOf(host) === 'network') {
    throw new Error(
      `Cannot listen on '${host}' with ambassador.identity.kind 'open': use 127.0.0.1 or shared-secret`,
    )
  }
}

const noBill: AmbassadorCall['bill'] = { modifiers: [], usageObject: undefined }
const noValues: AmbassadorCall['bodyValues'] = new Map()

type Opening = Pick<AmbassadorCall, 'cancellation' | 'clock' | 'provider' | 'snapshot'>

function newCall({ cancellation, clock, provider, snapshot }: Opening): AmbassadorCall {
  const startedMs = clock.now()
  return {
    clock,
    cancellation,
    startedMs,
    snapshot,
    id: '',
    deadlineMs: startedMs,
    error: undefined,
    atEnd: [],
    provider,
    tenant: '',
    workload: '',
    class: 'interactive',
    surface: undefined,
    modelAsked: '',
    model: '',
    modelServed: undefined,
    isStream: false,
    bodyValues: noValues,
    inputEstimate: 0,
    price: undefined,
    seller: undefined,
    bill: noBill,
    admission: undefined,
    attempts: 0,
    replica: undefined,
    usage: undefined,
    isWhole: false,
    providerMs: 0,
    firstContentMs: undefined,
    finishReason: undefined,
    streamWatch: undefined,
    span: undefined,
  }
}
