import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { CallError } from '#shared/errors/call-error.ts'
import type { AccessLine } from '#shared/telemetry/access-log.ts'
import { chance, type VirtualClock, virtualClock } from '../../ambassador/quota/virtual-clock.ts'
import { prices } from './answers.ts'
import { type BareAmbassador, bareAmbassador, request } from './bare-ambassador.ts'
import { type Book, ScriptedOrigins } from './scripted-origins.ts'

export type Kind = 'openai' | 'anthropic'

export const tenants = ['a', 'b', 'c'] as const

/** One call as both sides wrote it down; the provider knows nothing of one that never came. */
export interface Settled {
  readonly line: AccessLine
  readonly book: Book | undefined
}

/** So many calls, all ended. */
export interface Driven {
  readonly settled: readonly Settled[]
  readonly ambassador: BareAmbassador
  readonly origins: ScriptedOrigins
  readonly tookMs: number
}

/** Of the clock: long after the last call's deadline. */
const untilMs = 14_400_000

/** Asks `calls` times, one about every 4 ms of the clock, and waits until all have ended. */
export async function drive(kind: Kind, calls: number): Promise<Driven> {
  const beganMs = performance.now()
  const random = chance(kind.length)
  const clock = virtualClock(kind.length)
  const origins = new ScriptedOrigins(clock, random)
  const settled: Settled[] = []
  const ambassador = bareAmbassador({
    config: configFor(kind, calls),
    provider: 'p',
    environment: secrets,
    clock,
    origins,
    onLine(line) {
      settled.push({ line, book: origins.books.get(line.call) })
      origins.books.delete(line.call)
    },
  })
  let left = calls
  const begin = () => {
    left--
    void one({ kind, ambassador, random, clock })
    if (left > 0) clock.after(random() * 8, begin)
  }
  begin()
  for (let atMs = 0; settled.length < calls; atMs += 4) {
    assert.ok(atMs < untilMs, `${settled.length} calls have ended, ${origins.live} attempts live`)
    await clock.run(atMs)
    await setImmediate()
  }
  await clock.run(clock.now() + 3_600_000)
  return { settled, ambassador, origins, tookMs: performance.now() - beganMs }
}

/** Tenants are let in by these, and count by these limits. */
const secrets = {
  A_SECRET: 'of-a',
  B_SECRET: 'of-b',
  C_SECRET: 'of-c',
  KEY_1: 'key-1',
  KEY_2: 'key-2',
}

const limits = [
  { requests: 1_000_000, per: 'month' },
  { tokens: 1_000_000_000, per: 'month' },
  { usd: 1_000_000, per: 'month' },
]

function configFor(kind: Kind, calls: number): object {
  const credentials = ['1', '2'].map((at) => ({ name: `key-${at}`, secret: `KEY_${at}` }))
  const secretOf = (tenant: string) => `${tenant.toUpperCase()}_SECRET`
  return {
    models: { m: { targets: [{ provider: 'p', model: 'm' }] } },
    providers: {
      p: {
        kind,
        baseUrl: 'http://127.0.0.1:1/v1',
        credentials,
        retry: { attempts: 5, base: '20ms', max: '200ms', budgetPercent: 100, budgetFloor: 1_000 },
        // Its times are the system's: here nothing may depend on them.
        breaker: { failures: 10_000, volume: 1_000_000 },
        timeouts: { head: '2s' },
        prices: { m: prices },
      },
    },
    ambassador: {
      identity: {
        kind: 'shared-secret',
        secrets: tenants.map((tenant) => ({ tenant, secret: secretOf(tenant) })),
      },
    },
    tenants: {
      a: { limits },
      b: { limits, concurrency: 20 },
      // It comes to the end of what it may use.
      c: { limits: [...limits, { outputTokens: 3 * calls, per: 'hour' }] },
    },
  }
}

interface Asking {
  readonly kind: Kind
  readonly ambassador: BareAmbassador
  readonly random: () => number
  readonly clock: VirtualClock
}

/** One call; one in eight callers leaves at some moment. */
async function one({ kind, ambassador, random, clock }: Asking): Promise<void> {
  const { call, cancellation } = ambassador.open()
  let leave: (() => void) | undefined
  let hasLeft = false
  if (random() < 0.125) {
    clock.after(random() * 120, () => {
      hasLeft = true
      cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller has left'))
      leave?.()
    })
  }
  const response = await ambassador.service(question(kind, clock.id(), random), call)
  const end = () => {
    for (const undo of call.atEnd.splice(0)) undo()
  }
  leave = () => {
    response.body.cancel()
    end()
  }
  if (hasLeft) leave()
  else response.body.pipe({ write: () => true, end, fail: end })
}

/** Its input tokens stand in its text, for the provider, and in a header, as a sidecar counts them. */
function question(kind: Kind, id: string, random: () => number) {
  const tenant = tenants[Math.floor(random() * tenants.length)] ?? 'a'
  const input = 20 + Math.floor(random() * 2_000)
  const body = {
    model: 'm',
    max_tokens: 64,
    messages: [{ role: 'user', content: `tokens-${input}` }],
    ...(random() < 0.6 ? { stream: true } : {}),
  }
  const headers = {
    authorization: `Bearer of-${tenant}`,
    'x-request-id': id,
    'x-outrigger-call': id,
    'x-outrigger-input-tokens': String(input),
    'x-outrigger-model': 'm',
  }
  const path = kind === 'openai' ? '/v1/chat/completions' : '/v1/messages'
  return request(path, Buffer.from(JSON.stringify(body)), Object.entries(headers).flat())
}
