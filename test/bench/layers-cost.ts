import * as v from 'valibot'
import { Cancellation } from '#shared/call/cancellation.ts'
import { systemClock } from '#shared/call/clock.ts'
import { type Layer, type Service, stack } from '#shared/call/service.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { noUsage } from '#shared/dialects/usage.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import type { AmbassadorCall } from '../../ambassador/call.ts'
import { limit } from '../../ambassador/limits/limit.ts'
import { startLimits } from '../../ambassador/limits/start-limits.ts'
import { newCall } from '../../ambassador/new-call.ts'
import { OutputRatios } from '../../ambassador/output-ratios.ts'
import { profileOf } from '../../ambassador/providers/profile.ts'
import { startResilience } from '../../ambassador/resilience.ts'
import { retry } from '../../ambassador/retry/retry.ts'
import { ambassadorMetrics } from '../../ambassador/telemetry/metrics.ts'
import { chatRequest } from '../ambassador/chat-request.ts'
import { say } from './child.ts'
import { configText } from './config-text.ts'
import type { LayersCost } from './layers.ts'
import { queueCosts } from './queue-cost.ts'
import { limitHeaders, providerLimits, tenantLimits } from './wide-limits.ts'

/** What layers of the ambassador cost by themselves: no sockets, an inner service that answers. */
const clock = systemClock
const log = createLog({
  level: 'error',
  half: 'ambassador',
  clock,
  destination: { write() {} },
})
type Way = Service<CallRequest, CallResponse, AmbassadorCall>
type Layers = readonly Layer<CallRequest, CallResponse, AmbassadorCall>[]

const headers = ['content-type', 'application/json']
const bytes = Buffer.from('{"usage":{"prompt_tokens":500,"completion_tokens":12}}')
const usage = { ...noUsage, input: 500, output: 12, isExact: true }

const request = chatRequest(Buffer.from('{}'))

function snapshotOf(limits: string): Snapshot {
  const text = configText([{ name: 'bench', baseUrl: 'http://127.0.0.1/v1', ambassadorPort: 1 }], {
    provider: { kind: 'openai', limits },
    tenant: { limits: tenantLimits, concurrency: '10000' },
  })
  const loaded = parseConfig(text, 'bench')
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const values = new Map([['env:BENCH_KEY', 'key']])
  const secrets = { values, missing: [], reasons: new Map<string, string>() }
  return { generation: 1, hash: '', config: loaded.config, secrets, since: 0, from: '' }
}

function inner(answerHeaders: readonly string[]): Way {
  return async (_request, context) => {
    context.attempts++
    context.usage = usage
    return { status: 200, headers: [...answerHeaders], body: bytesBody(bytes) }
  }
}

function retrying(snapshot: Snapshot): Layer<CallRequest, CallResponse, AmbassadorCall> {
  const resilience = startResilience({
    provider: 'bench',
    clock,
    log,
    metrics: ambassadorMetrics().metrics,
    ratios: new OutputRatios(),
    shapeOf: (provider) => profileOf(provider).limitShape,
  })
  resilience.apply(snapshot)
  return retry(resilience.parts)
}

function limiting(snapshot: Snapshot): Layer<CallRequest, CallResponse, AmbassadorCall> {
  const { metrics } = ambassadorMetrics()
  const limits = startLimits({ provider: 'bench', clock, log, metrics })
  limits.apply(snapshot.config)
  return limit({ limiter: limits.limiter, picoUsdOf: () => 1_370_000_000n })
}

function call(snapshot: Snapshot): AmbassadorCall {
  const cancellation = new Cancellation()
  const opening = { cancellation, clock, provider: 'bench', snapshot, tokens: undefined }
  const context = newCall(opening)
  context.tenant = 'bench'
  context.model = 'gpt-4o'
  context.surface = surfaceOf('/v1/chat/completions')
  context.inputEstimate = 500
  context.deadlineMs = clock.now() + 600_000
  context.patienceUntilMs = context.deadlineMs
  context.attemptsMax = 5
  return context
}

const sink = { write: () => true, end() {}, fail() {} }

/** CPU of one call, in µs. */
async function cost(way: Way, snapshot: Snapshot, calls: number): Promise<number> {
  const before = process.cpuUsage()
  for (let at = 0; at < calls; at++) {
    const context = call(snapshot)
    const { body } = await way(request, context)
    body.pipe(sink)
    void context.admission?.end({ requests: 1, inputTokens: 500, outputTokens: 12, picoUsd: 1n })
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / calls
}

interface Row {
  readonly name: string
  readonly way: Way
  readonly snapshot: Snapshot
  /** Compared with. */
  readonly over: number
}

function rows(): Row[] {
  const free = snapshotOf('{}')
  const bound = snapshotOf(providerLimits)
  const row = (name: string, layers: Layers, snapshot: Snapshot, answer = limitHeaders): Row => ({
    name,
    way: stack(layers, inner(answer)),
    snapshot,
    over: 0,
  })
  return [
    row('inner service alone', [], free, headers),
    row('retry, breaker and turn, nothing configured', [retrying(free)], free, headers),
    row("the same, limits learned from the provider's headers", [retrying(free)], free),
    row('the same, 5 limits of the provider and its headers', [retrying(bound)], bound),
    row('5 limits of the tenant', [limiting(free)], free, headers),
  ]
}

const orderSchema = v.object({ repeats: v.number(), calls: v.number() })

async function measureAll(message: unknown): Promise<void> {
  const { repeats, calls } = v.parse(orderSchema, message)
  const all = rows().map((row) => ({ ...row, us: new Array<number>() }))
  for (const { way, snapshot } of all) await cost(way, snapshot, calls)
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const row of all) row.us.push(await cost(row.way, row.snapshot, calls))
  }
  const costs = all.map(({ name, us, over }, at): LayersCost => {
    const other = all[over]
    const addedUs = at === 0 ? [] : us.map((own, of) => own - (other?.us[of] ?? 0))
    return { name, us, addedUs }
  })
  say([...costs, ...(await queueCosts(repeats, Math.min(calls, 10_000)))])
}

process.on('message', (message: unknown) => void measureAll(message))
say({ port: 0 })
