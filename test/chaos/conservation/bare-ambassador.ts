import assert from 'node:assert/strict'
import type { AmbassadorCall } from '#ambassador/call.ts'
import { Fleet } from '#ambassador/fleet/fleet.ts'
import { startIdentity } from '#ambassador/identity/start-identity.ts'
import { startLimits } from '#ambassador/limits/start-limits.ts'
import { newCall } from '#ambassador/new-call.ts'
import { OutputRatios } from '#ambassador/output-ratios.ts'
import { ambassadorPipeline } from '#ambassador/pipeline.ts'
import { ReplicaPool } from '#ambassador/pool/pool.ts'
import { picoUsdOf } from '#ambassador/price.ts'
import { PriceShelf } from '#ambassador/prices/shelf.ts'
import { profileOf } from '#ambassador/providers/profile.ts'
import { startResilience } from '#ambassador/resilience.ts'
import { BackgroundBook } from '#ambassador/stored/background-book.ts'
import { KeyRing } from '#ambassador/stored/key-ring.ts'
import { ambassadorMetrics } from '#ambassador/telemetry/metrics.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import { parseConfig } from '#shared/config/load.ts'
import { ambassadorSecrets, readSecrets } from '#shared/config/secrets.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { Origins } from '#shared/http/client.ts'
import { BodyLedger } from '#shared/http/receive.ts'
import { Gate } from '#shared/lifecycle/gate.ts'
import type { AccessLine, Log } from '#shared/telemetry/access-log.ts'
import { noTracer } from '#shared/telemetry/tracing.ts'

export interface BareParts {
  readonly config: object
  readonly provider: string
  readonly environment: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly origins: Origins
  readonly onLine: (line: AccessLine) => void
}

/** An ambassador's whole pipeline on another clock, without sockets. */
export function bareAmbassador(parts: BareParts) {
  const { provider, clock, origins, onLine } = parts
  const snapshot = snapshotOf(parts)
  const { metrics, render } = ambassadorMetrics()
  const log = logOf(onLine)
  const common = { provider, clock, log, metrics }
  const limits = startLimits(common)
  const ratios = new OutputRatios()
  const shapeOf = (one: Parameters<typeof profileOf>[0]) => profileOf(one).limitShape
  const resilience = startResilience({ ...common, ratios, shapeOf })
  limits.apply(snapshot.config)
  resilience.apply(snapshot)
  const gate = new Gate()
  const ledger = new BodyLedger()
  const service = ambassadorPipeline({
    log: () => log,
    metrics,
    tracer: () => noTracer,
    ratios,
    prices: new PriceShelf({
      provider,
      load: async () => [],
      onProblem: (error) => assert.fail(String(error)),
    }),
    limiter: limits.limiter,
    picoUsdOf,
    gate,
    counts: new Gate(),
    reach: 'loopback',
    identity: startIdentity({ clock, log, cluster: undefined }),
    fleet: new Fleet(clock),
    ledger,
    origins,
    pool: new ReplicaPool({ clock, origins, onHealth() {} }),
    storedKeys: new KeyRing(log),
    background: new BackgroundBook({ clock, onCounted() {} }),
    ...resilience.parts,
  })
  return {
    limiter: limits.limiter,
    render: () => render('prometheus'),
    /** What is under way, of every kind. */
    underWay: () => ({
      calls: gate.inFlight,
      bytes: ledger.heldBytes,
      places: limits.limiter.placesTaken(),
    }),
    open(): { readonly call: AmbassadorCall; readonly cancellation: Cancellation } {
      const cancellation = new Cancellation()
      const call = newCall({ cancellation, clock, provider, snapshot, tokens: undefined })
      return { call, cancellation }
    },
    service,
    async close() {
      resilience.close()
      await limits.close()
    },
  }
}

export type BareAmbassador = ReturnType<typeof bareAmbassador>

function snapshotOf({ config, provider, environment }: BareParts): Snapshot {
  const loaded = parseConfig(JSON.stringify(config), 'conservation')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const refs = ambassadorSecrets(provider)(loaded.config)
  const secrets = readSecrets(refs, '/', environment)
  return { generation: 1, hash: 'x', config: loaded.config, secrets, since: 0, from: '' }
}

function logOf(onLine: (line: AccessLine) => void): Log {
  return {
    debug() {},
    info() {},
    warn() {},
    error: (fields, message) => assert.fail(`${message}: ${JSON.stringify(fields)}`),
    accessLine: onLine,
    setLevel() {},
    flush() {},
  }
}

/** A question as it comes from a sidecar. */
export function request(path: string, body: Buffer, headers: readonly string[]): CallRequest {
  return {
    method: 'POST',
    path,
    query: '',
    headers,
    incoming: {
      declaredBytes: body.length,
      contentEncoding: undefined,
      read(sink) {
        sink.data(body)
        sink.end()
      },
      pause() {},
      resume() {},
    },
    body: Buffer.alloc(0),
  }
}
