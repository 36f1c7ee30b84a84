import { dirname, resolve } from 'node:path'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { Origins } from '#shared/http/client.ts'
import { BodyLedger } from '#shared/http/receive.ts'
import { jsonPage } from '#shared/lifecycle/admin-server.ts'
import type { Running } from '#shared/lifecycle/drain.ts'
import { Gate } from '#shared/lifecycle/gate.ts'
import { type HalfOptions, serveHalf } from '#shared/lifecycle/half.ts'
import { MetricsSwitch } from '#shared/lifecycle/metrics-switch.ts'
import { observeConfig } from '#shared/lifecycle/observe-config.ts'
import { lacking } from '#shared/lifecycle/startup.ts'
import { TracingSwitch } from '#shared/lifecycle/tracing-switch.ts'
import { originOptions } from './attempt/attempt.ts'
import { Fleet } from './fleet/fleet.ts'
import type { ClusterReader } from './identity/cluster-keys.ts'
import { reachOf } from './identity/identity.ts'
import { startIdentity } from './identity/start-identity.ts'
import { startLimits } from './limits/start-limits.ts'
import { newCall } from './new-call.ts'
import { OutputRatios } from './output-ratios.ts'
import { ambassadorPipeline } from './pipeline.ts'
import { explainPage } from './pool/decisions/explain-page.ts'
import {
  DiscoverySwitch,
  type StartDiscovery,
  sourceOf,
} from './pool/discovery/discovery-switch.ts'
import { sourceLoader } from './pool/discovery/start-source.ts'
import { PoolPage } from './pool/page/pool-page.ts'
import { placingOf } from './pool/placing/placing-settings.ts'
import { probeOptions, type ReplicaPool } from './pool/pool.ts'
import { scrapeOptions } from './pool/signals/ask-page.ts'
import { keyHeaders } from './pool/signals/key-headers.ts'
import { observePool, startPool } from './pool/start-pool.ts'
import { tokenizeOptions } from './pool/tokens/tokenize.ts'
import { picoUsdOf } from './price.ts'
import { loadPublished } from './prices/published-prices.ts'
import { PriceShelf } from './prices/shelf.ts'
import { startTokens } from './providers/entra/start-tokens.ts'
import { originsOf } from './providers/origins-of.ts'
import { profileOf } from './providers/profile.ts'
import { Reachability } from './reachability.ts'
import { startResilience } from './resilience.ts'
import { startStored } from './stored/start-stored.ts'
import { type AmbassadorMetrics, ambassadorMetrics } from './telemetry/metrics.ts'

export interface AmbassadorOptions extends HalfOptions {
  /** Reads from the API server; undefined where the process runs in no cluster. */
  readonly cluster?: ClusterReader | undefined
  /** Loads what follows the replicas of a Service; undefined where there is no cluster. */
  readonly loadDiscovery?: () => Promise<StartDiscovery>
}

/** Starts one ambassador: it listens at once, and is ready with its first valid configuration. */
export function startAmbassador(options: AmbassadorOptions): Promise<Running> {
  const { settings, config, log, clock } = options
  const registry = ambassadorMetrics()
  const { metrics } = registry
  const directory = dirname(resolve(settings.config))
  const gate = new Gate()
  const ledger = new BodyLedger()
  const origins = new Origins()
  const pool = startPool(options, {
    origins,
    metrics,
    onPlaced: (heldMs) => page.placed(heldMs),
  })
  const page = new PoolPage({
    provider: settings.provider,
    clock,
    pool,
    isDraining: () => gate.isDraining,
  })
  const discovery = new DiscoverySwitch({
    clock,
    log,
    load: sourceLoader(options.loadDiscovery ?? noCluster),
    onReplicas(found) {
      pool.discovered(found)
      retainOrigins()
    },
  })
  const prices = new PriceShelf({
    provider: settings.provider,
    load: loadPublished,
    onProblem: (error) => log.error({ error: String(error) }, 'Cannot read the published prices'),
  })
  const common = { provider: settings.provider, clock, log, metrics }
  const limits = startLimits(common)
  const ratios = new OutputRatios()
  const resilience = startResilience({
    ...common,
    ratios,
    shapeOf: (provider) => profileOf(provider).limitShape,
  })
  const tokens = startTokens({ clock, log })
  const stored = startStored(common)
  const identity = startIdentity({ clock, log, cluster: options.cluster })
  const fleet = new Fleet(clock)
  metrics.fleetPods.collect(() =>
    fleet.counts().map(({ config: hash, version, pods }) => [[hash, version], pods]),
  )
  const reachability = new Reachability({
    clock,
    origins,
    tokens,
    optionsOf: originOptions,
    onChange: (isReachable) =>
      log.warn({}, isReachable ? 'The provider answers again' : 'The provider does not answer'),
  })
  metrics.providerReachable.collect(() => {
    const { isReachable } = reachability
    return isReachable === undefined ? [] : [[[settings.provider], isReachable ? 1 : 0]]
  })
  const instance = `ambassador-${settings.provider}-${process.pid}`
  const pushes = new MetricsSwitch({
    service: 'outrigger-ambassador',
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
  /** Connections to whoever may still be called; the others end with their last call. */
  const retainOrigins = () => {
    const provider = config.current()?.config.providers[settings.provider]
    if (provider === undefined) return
    const calls = originOptions(provider)
    if (provider.kind !== 'vllm') {
      origins.retain(originsOf(provider).map((origin) => [origin, calls]))
      return
    }
    const asides = [
      probeOptions(provider.replicas.health),
      scrapeOptions(placingOf(provider, directory).signals),
      tokenizeOptions,
    ]
    origins.retain(
      pool.replicas.flatMap(({ origin }) =>
        [calls, ...asides].map((each): [string, typeof calls] => [origin, each]),
      ),
    )
  }
  observeConfig(config, metrics)
  observe(metrics, settings.provider, { gate, ledger, pool })
  return serveHalf(options, {
    service: ambassadorPipeline({
      log: () => log,
      metrics,
      tracer: () => tracing.tracer,
      ratios,
      prices,
      limiter: limits.limiter,
      picoUsdOf,
      gate,
      counts: new Gate(),
      reach: reachOf(settings.host),
      identity,
      fleet,
      ledger,
      origins,
      pool,
      ...stored.parts,
      ...resilience.parts,
    }),
    newCall(cancellation, snapshot) {
      const call = newCall({ cancellation, clock, provider: settings.provider, snapshot, tokens })
      page.follow(call)
      return call
    },
    gate,
    origins,
    tracing,
    render: registry.render,
    startsAfter: () => lacking([[prices.isReady, 'the published prices are not read']]),
    waitsFor: () =>
      lacking([
        [gate.isReady, 'it is ending'],
        [prices.isReady, 'the published prices are not read'],
        [tokens.isReady, 'there is no token of Microsoft Entra yet'],
        [identity.keys.isReady, 'the keys that callers prove themselves by are not known'],
        [discovery.isReady, 'the replicas of the pool are not found'],
        [config.current() !== undefined, 'there is no valid configuration'],
        [
          config.current()?.config.providers[settings.provider] !== undefined,
          `the configuration has no provider '${settings.provider}'`,
        ],
      ]),
    diagnosticsOf: ({ config: { ambassador } }) => ambassador.diagnostics,
    adminPages: {
      ...page.pages,
      '/explain': (_accept, query) => explainPage(pool.placing.decisions, query),
    },
    // Read through the API server's proxy: pods of the tenants, no key and no question.
    probePages: {
      '/fleet': () =>
        jsonPage({ provider: settings.provider, hash: config.current()?.hash, pods: fleet.pods() }),
    },
    // Not known counts as there: nobody asks the servers of a pool but the pool.
    conditions: { provider: () => reachability.isReachable !== false },
    status: () => ({
      provider: settings.provider,
      callsInFlight: gate.inFlight,
      answers: reachability.isReachable,
      ...limits.status(),
      ...resilience.status(),
      isDraining: gate.isDraining,
      identity: identity.keys.status(),
      replicas: pool.replicas,
      pool: pool.replicas.length === 0 ? undefined : pool.placing.status(),
      discovery: discovery.status(),
      ...stored.status(),
    }),
    limitsOf: ({ config: { ambassador } }) => ({
      headBytesMax: ambassador.headMax,
      headMs: ambassador.headTimeout,
      keepAliveMs: ambassador.keepAlive,
    }),
    apply(snapshot) {
      if (snapshot.generation === 1) refuseOpenToAll(snapshot, settings.host)
      log.setLevel(snapshot.config.ambassador.log.level)
      const { traces, metrics: pushed, genAi } = snapshot.config.ambassador
      registry.speak(genAi)
      tracing.apply(traces && { ...traces, genAi })
      pushes.apply(pushed && { ...pushed, genAi })
      identity.apply(snapshot.config.ambassador.identity)
      stored.apply(snapshot)
      limits.apply(snapshot.config)
      pool.placing.recall(limits.limiter.recall())
      resilience.apply(snapshot)
      reachability.apply(snapshot, settings.provider)
      const provider = snapshot.config.providers[settings.provider]
      if (provider !== undefined) {
        prices.apply(provider)
        tokens.apply(provider, snapshot.secrets)
      }
      if (provider?.kind === 'vllm') {
        const headers = keyHeaders(provider, snapshot.secrets)
        const placing = placingOf(provider, directory, headers)
        pool.configure(provider.replicas, { ...placing, ranks: snapshot.config.classes })
        discovery.apply(sourceOf(provider.replicas, directory))
      } else {
        if (provider !== undefined) pool.clear()
        discovery.apply(undefined)
      }
      retainOrigins()
    },
    drainOf: (snapshot) => ({
      delayMs: snapshot?.config.ambassador.drain.delay ?? 0,
      graceMs: snapshot?.config.ambassador.drain.grace ?? 0,
    }),
    refusesWhileDraining: true,
    async close() {
      pool.close()
      stored.close()
      await discovery.close()
      reachability.close()
      tokens.close()
      identity.keys.close()
      resilience.close()
      await Promise.all([limits.close(), pushes.stop()])
    },
  })
}

function noCluster(): Promise<StartDiscovery> {
  return Promise.reject(new Error('Cannot follow a service: this process is in no cluster'))
}

interface Observed {
  readonly gate: Gate
  readonly ledger: BodyLedger
  readonly pool: ReplicaPool
}

function observe(metrics: AmbassadorMetrics, provider: string, parts: Observed): void {
  const { gate, ledger, pool } = parts
  metrics.callsInFlight.collect(() => [[[provider], gate.inFlight]])
  metrics.bodyBytesHeld.collect(() => [[[], ledger.heldBytes]])
  observePool(metrics, provider, pool)
}

/** Everybody who can connect would be the tenant: only this machine may. */
function refuseOpenToAll(snapshot: Snapshot, host: string): void {
  if (snapshot.config.ambassador.identity.kind === 'open' && reachOf(host) === 'network') {
    throw new Error(
      `Cannot listen on '${host}' with ambassador.identity.kind 'open': use 127.0.0.1 or shared-secret`,
    )
  }
}
