import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Pair, type PairOptions, startPair } from './harness.ts'

/** What statusz says of a replica, as far as tests look at it. */
interface ReplicaStatus {
  readonly origin: string
  readonly inFlight: number
  readonly queuedTokens: number
  readonly running: number
  readonly waiting: number
  readonly kvUsage: number
  readonly capacityBlocks?: number
  readonly callsMax?: number
  readonly hitRate?: number
  readonly sleep?: string
  readonly ageMs?: number
  readonly error?: string
  readonly notices: readonly { readonly code: string }[]
}

/** The same of the pool. */
interface PoolStatus {
  readonly policy: string
  readonly blockTokens: number
  readonly foundShare?: number
  readonly tokens: Readonly<Record<string, unknown>>
  readonly waiting: { readonly calls: number; readonly tokens: number; readonly bytes: number }
  readonly replicas: readonly ReplicaStatus[]
}

/** What one call was answered, read to its end. */
export interface Turn {
  readonly status: number
  /** The replica that answered; empty where none did. */
  readonly replica: string
  readonly tier: string
  readonly attempts: string
  readonly headers: Headers
  /** Prompt tokens the replica reported as cached. */
  readonly cached: number
  /** Of a whole answer. */
  readonly text: string
  readonly code: string
  readonly body: string
}

/** A pair in front of several replicas. */
export interface PoolStage {
  readonly pair: Pair
  readonly addresses: readonly string[]
  /** A chat call for `tiny`, whatever else `body` says. */
  chat(body: object, given?: RequestInit): Promise<Turn>
  status(): Promise<PoolStatus>
  /** What statusz says once `isIt` holds of it; rejects after 20 s, with what it said last. */
  statusOnce(isIt: (pool: PoolStatus) => boolean): Promise<PoolStatus>
  /** The sum of a metric's samples, as far as their labels hold `labels`. */
  metric(name: string, labels?: string): Promise<number>
}

/** Every replica has told of itself. */
export function isHeard({ replicas }: PoolStatus): boolean {
  return replicas.every(({ ageMs }) => ageMs !== undefined)
}

export const user = (content: string) => ({ role: 'user', content })

/** Starts a pair over the replicas at `ports`; `pool` is laid over what stands here. Closed after `t`. */
export async function startPool(
  t: Pick<TestContext, 'after'>,
  ports: readonly number[],
  pool: object = {},
): Promise<PoolStage> {
  const addresses = ports.map((port) => `http://127.0.0.1:${port}`)
  const options: PairOptions = {
    provider: 0,
    models: { sql: { targets: [{ provider: 'pool', model: 'sql' }] } },
    pool: {
      replicas: {
        addresses,
        health: { interval: '1h' },
        signals: { interval: '100ms', timeout: '2s' },
      },
      retry: { attempts: 3 },
      ...pool,
    },
  }
  const pair = await startPair(options)
  t.after(() => pair.close())
  const status = async () => JSON.parse((await pair.ambassador.page('/statusz')).text).pool
  return {
    pair,
    addresses,
    chat: (body, given = {}) => chat(pair.port, body, given),
    status,
    statusOnce: async (isIt) => {
      const untilMs = performance.now() + 60_000
      for (;;) {
        const seen = await status()
        if (isIt(seen)) return seen
        assert.ok(performance.now() < untilMs, JSON.stringify(seen))
      }
    },
    metric: async (name, labels = '') => {
      const { text } = await pair.ambassador.page('/metrics')
      return sumOf(text, name, labels)
    },
  }
}

function sumOf(page: string, name: string, labels: string): number {
  return page
    .split('\n')
    .filter((line) => line.split(/[{ ]/, 1)[0] === name && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function chat(port: number, body: object, given: RequestInit): Promise<Turn> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'tiny', max_tokens: 4, ...body }),
    ...given,
  })
  const text = await response.text()
  const isWhole = response.headers.get('content-type')?.startsWith('application/json') ?? false
  const answer = isWhole ? JSON.parse(text) : {}
  const header = (name: string) => response.headers.get(`x-outrigger-${name}`) ?? ''
  return {
    status: response.status,
    replica: header('replica'),
    tier: header('pool-tier'),
    attempts: header('attempts'),
    headers: response.headers,
    cached: Number(/"cached_tokens":\s*(\d+)/.exec(text)?.[1] ?? 0),
    text: answer.choices?.[0]?.message?.content ?? '',
    code: answer.error?.code ?? '',
    body: text,
  }
}
