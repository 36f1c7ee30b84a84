import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BackgroundBook } from '#ambassador/stored/background-book.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { deadline } from '#shared/call/deadline.ts'
import { type Layer, type Service, stack } from '#shared/call/service.ts'
import { parseConfig } from '#shared/config/load.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { rescue } from '#shared/errors/rescue.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type InboundResponse, Origins } from '#shared/http/client.ts'
import type { AccessLine, Log } from '#shared/telemetry/access-log.ts'
import { noTracer } from '#shared/telemetry/tracing.ts'
import { account } from '../../../ambassador/account.ts'
import { attempt } from '../../../ambassador/attempt/attempt.ts'
import { commit } from '../../../ambassador/attempt/commit.ts'
import type { AmbassadorCall } from '../../../ambassador/call.ts'
import { limit } from '../../../ambassador/limits/limit.ts'
import { startLimits } from '../../../ambassador/limits/start-limits.ts'
import { newCall } from '../../../ambassador/new-call.ts'
import { OutputRatios } from '../../../ambassador/output-ratios.ts'
import { ReplicaPool } from '../../../ambassador/pool/pool.ts'
import { picoUsdOf } from '../../../ambassador/price.ts'
import { profileOf } from '../../../ambassador/providers/profile.ts'
import { startResilience } from '../../../ambassador/resilience.ts'
import type { Outcome } from '../../../ambassador/retry/outcome.ts'
import { retry } from '../../../ambassador/retry/retry.ts'
import { ambassadorMetrics } from '../../../ambassador/telemetry/metrics.ts'
import { manualClock } from '../../manual-clock.ts'
import { snapshotOf } from '../admission/stage.ts'
import { chatRequest } from '../chat-request.ts'

type Way = Layer<CallRequest, CallResponse, AmbassadorCall>

const contentEvent = 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n'
const types = { stream: 'text/event-stream', whole: 'application/json', refused: 'text/plain' }

/** A provider whose answers never end by themselves; `open` are those that nobody has ended. */
class Endless extends Origins {
  open = 0
  readonly #kind: keyof typeof types

  constructor(kind: keyof typeof types) {
    super()
    this.#kind = kind
  }

  override async exchange(): Promise<InboundResponse> {
    this.open++
    const headers = ['content-type', types[this.#kind]]
    const status = this.#kind === 'refused' ? 404 : 200
    return { status, headers, body: this.#body(), trailers: () => ({}) }
  }

  #body(): Body {
    let isOpen = true
    const long = Buffer.alloc(100_000, ' ')
    return {
      // Beyond what is held of either kind, so that the head goes.
      pipe: (sink: BodySink) =>
        void sink.write(this.#kind === 'stream' ? Buffer.from(contentEvent) : long),
      resume() {},
      cancel: () => {
        if (isOpen) this.open--
        isOpen = false
      },
    }
  }
}

/** Fails behind the head of an answer that is committed. */
const broken: Way = (inner) => async (request, context) => {
  await inner(request, context)
  throw new TypeError('x is not a function')
}

function logTo(lines: AccessLine[]): Log {
  const quiet = () => {}
  const levels = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  return { ...levels, accessLine: (line) => lines.push(line), setLevel() {}, flush() {} }
}

function setUp(t: TestContext, kind: keyof typeof types) {
  const clock = manualClock()
  const origins = new Endless(kind)
  const lines: AccessLine[] = []
  const { metrics } = ambassadorMetrics()
  const common = { provider: 'p', clock, log: logTo(lines), metrics }
  const ratios = new OutputRatios()
  const shapeOf = (one: Parameters<typeof profileOf>[0]) => profileOf(one).limitShape
  const resilience = startResilience({ ...common, ratios, shapeOf })
  const limits = startLimits(common)
  const pool = new ReplicaPool({ clock, origins: new Origins(), onHealth() {} })
  const snapshot = snapshotOf({ kind: 'vllm', replicas: { addresses: ['http://127.0.0.1:1'] } })
  const tenants = { t: { concurrency: 3, limits: [{ tokens: 1_000_000, per: 'day' }] } }
  const limited = parseConfig(JSON.stringify({ tenants }), 'test')
  assert.ok(limited.ok)
  limits.apply(limited.config)
  resilience.apply(snapshot)
  const provider = snapshot.config.providers['p']
  assert.ok(provider?.kind === 'vllm')
  pool.configure(provider.replicas)
  const outcomes: Outcome[] = []
  const tracer = () => noTracer
  const log = () => common.log
  const background = new BackgroundBook({ clock, onCounted() {} })
  const layers: Way[] = [
    account({ log, metrics, tracer, ratios, background }),
    rescue({ headersOf: () => [], log }),
    deadline(),
    limit({ limiter: limits.limiter, picoUsdOf }),
    retry({
      ...resilience.parts,
      onAttempt: (_context, _credential, outcome) => outcomes.push(outcome),
    }),
    commit(),
  ]
  t.after(async () => {
    pool.close()
    resilience.close()
    await limits.close()
  })
  const opening = { clock, cancellation: new Cancellation(), snapshot, tokens: undefined }
  const call: AmbassadorCall = {
    ...newCall({ ...opening, provider: 'p' }),
    tenant: 't',
    model: 'm',
    modelAsked: 'm',
    surface: surfaceOf('/v1/chat/completions'),
    isStream: kind === 'stream',
    deadlineMs: 600_000,
    patienceUntilMs: 600_000,
  }
  const end = attempt({ origins, pool, tracer })
  /** As the server does, whatever the service comes to. */
  const serve = async (service: Service<CallRequest, CallResponse, AmbassadorCall>) => {
    try {
      const { body } = await service(chatRequest(), call)
      await new Promise<void>((done) => {
        body.pipe({ write: () => true, end: done, fail: () => done() })
      })
    } catch (defect) {
      assert.ok(defect instanceof TypeError, String(defect))
    }
    for (const undo of call.atEnd) undo()
  }
  return { origins, pool, limiter: limits.limiter, lines, outcomes, layers, end, serve, clock }
}

for (const kind of ['stream', 'whole', 'refused'] as const) {
  // One more than layers: also right above the attempt.
  for (let at = 0; at <= 6; at++) {
    test(`${kind}: a defect behind a committed head, above layer ${at}, leaves nothing under way`, async (t) => {
      const { layers, serve, end, ...seen } = setUp(t, kind)
      await serve(stack([...layers.slice(0, at), broken, ...layers.slice(at)], end))
      assert.equal(seen.origins.open, 0, 'the provider’s request')
      assert.deepEqual(
        seen.pool.replicas.map(({ inFlight }) => inFlight),
        [0],
      )
      const places = seen.limiter.placesTaken().filter(([, calls]) => calls > 0)
      assert.deepEqual(places, [], 'the tenant’s place')
      assert.equal(seen.lines.length, 1, 'the ledger line')
      assert.ok(seen.outcomes.length <= 1, 'one verdict at most')
      seen.clock.advance(600_000)
      assert.equal(seen.clock.pending(), 0)
    })
  }
}
