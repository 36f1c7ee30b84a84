import type { PageData, PageDecision, PageReplica } from '#ambassador/pool/page/page-data.ts'
import { htmlPage, quiet } from '#ambassador/pool/page/page-html.ts'
import { type Page, startAdminServer } from '#shared/lifecycle/admin-server.ts'

/** A name that would be an image with a script, were it ever markup. */
export const foreign = '<img src=x onerror="window.wasRun = true">'

/** The page as the ambassador serves it, over figures that a test sets. */
export class PageStage {
  data: PageData
  asked = 0
  port = 0
  #close = async () => {}
  readonly #html: Page

  constructor(data: PageData, html = htmlPage()) {
    this.data = data
    this.#html = html
  }

  /** On the port it had before, where it had one. */
  async open(): Promise<void> {
    const server = await startAdminServer(
      { host: '127.0.0.1', port: this.port },
      {
        '/pool': () => this.#html,
        '/pool.json': () => {
          this.asked++
          const text = JSON.stringify(this.data)
          return { status: 200, type: 'application/json', text, headers: quiet }
        },
      },
    )
    this.port = server.port
    this.#close = server.close
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/pool`
  }

  close(): Promise<void> {
    return this.#close()
  }
}

/** A busy pool of that many replicas, the same each time; calls wait, one replica is gone, one sleeps. */
export function busyPool(replicas: number): PageData {
  const rows = Array.from({ length: replicas }, (_, at) => row(at))
  const wave = (at: number, size: number) =>
    size * (1.2 + Math.sin(at / 9)) * (at % 7 === 0 ? 3 : 1)
  const seconds = Array.from({ length: 300 }, (_, at) => at)
  return {
    provider: 'llama-pool',
    isDraining: false,
    pool: {
      policy: 'fair',
      blockTokens: 16,
      isHashed: false,
      foundShare: 0.97,
      tokens: { problem: undefined },
    },
    waiting: {
      calls: 17,
      tokens: 412_000,
      bytes: 1_640_000,
      byClass: { interactive: 5, batch: 12 },
      byTenant: [
        { tenant: 'search', calls: 11, tokens: 300_000 },
        { tenant: foreign, calls: 6, tokens: 112_000 },
      ],
    },
    tenants: [
      {
        class: 'interactive',
        tenant: foreign,
        weight: 1,
        waiting: 6,
        gpuMs: 12_340,
        aheadMs: 250,
      },
      {
        class: 'interactive',
        tenant: 'search',
        weight: 3,
        waiting: 11,
        gpuMs: 36_000,
        aheadMs: 0,
      },
    ],
    replicas: rows,
    notices: [
      {
        code: 'unheard',
        sentence: 'Cannot reach the replica: connection refused',
        replicas: rows.slice(1, 2).map(({ origin }) => origin),
      },
      {
        code: 'no-events',
        sentence:
          'the replica publishes no KV cache events, so that what it has evicted is a guess: ' +
          'start vLLM with --kv-events-config',
        replicas: rows.map(({ origin }) => origin),
      },
    ],
    decisions: Array.from({ length: 12 }, (_, at) => decision(at, rows)),
    terms: [
      { name: 'queuedMs', words: 'queued' },
      { name: 'ownMs', words: 'own prefill' },
      { name: 'spreadMs', words: 'spreading' },
      { name: 'runningMs', words: 'running' },
      { name: 'adapterMs', words: 'adapter' },
    ],
    timeline: {
      placed: seconds.map(() => 3),
      heldMs: seconds.map((at) => (at % 3 === 0 ? null : wave(at, 20))),
      heldMsMax: seconds.map((at) => (at % 3 === 0 ? null : wave(at, 90))),
      ttftMs: seconds.map((at) => (at % 4 === 0 ? null : wave(at, 120))),
      ttftMsMax: seconds.map((at) => (at % 4 === 0 ? null : wave(at, 300))),
      resumed: seconds.map((at) => (at === 240 ? 2 : 0)),
      failed: seconds.map((at) => (at === 150 ? 1 : 0)),
      failedBy: [{ code: 'overloaded', calls: 1 }],
    },
  }
}

function row(at: number): PageReplica {
  const state = at === 1 ? 'silent' : at === 6 ? 'asleep' : at === 9 ? 'ejected' : 'serving'
  const isUp = state === 'serving'
  return {
    origin: `http://10.4.${at >> 4}.${20 + (at % 16)}:8000`,
    inFlight: isUp ? (at * 7) % 23 : 0,
    queuedTokens: isUp ? (at * 3_911) % 42_000 : 0,
    running: isUp ? (at * 7) % 21 : 0,
    waiting: isUp ? at % 3 : 0,
    kvUsage: isUp ? ((at * 37) % 100) / 100 : 0,
    capacityBlocks: at === 4 ? undefined : 25_600,
    callsMax: at % 8 === 3 ? 24 : undefined,
    hitRate: isUp ? ((at * 53) % 100) / 100 : undefined,
    trust: isUp ? 0.9 + (at % 10) / 100 : undefined,
    sleep: state === 'asleep' ? 'weights-offloaded' : 'awake',
    ageMs: state === 'silent' ? 42_000 : 90 * (at % 11),
    error: state === 'silent' ? 'Cannot reach the replica: connection refused' : undefined,
    state,
    ejectedMs: state === 'ejected' ? 24_000 : 0,
    zone: at % 2 === 0 ? 'eu-1a' : 'eu-1b',
  }
}

function decision(at: number, rows: readonly PageReplica[]): PageDecision {
  const costs = rows.slice(0, 8).map((replica, index) => {
    const terms = {
      queuedMs: index === 0 ? 40 : (index * 311) % 900,
      ownMs: index === 0 ? 22 : 480,
      spreadMs: index === 0 ? 0 : 160,
      runningMs: index * 30,
      adapterMs: index === 5 ? 200 : 0,
    }
    const total = Object.values(terms).reduce((sum, value) => sum + value, 0)
    const why = index === 1 ? 'kv' : index === 2 ? 'queue' : 'none'
    return {
      replica: replica.origin,
      total,
      terms,
      cachedTokens: index === 0 ? 6_144 : 0,
      why,
    } as const
  })
  const [chosen, next] = costs
  const isHeld = at % 4 === 1
  return {
    id: `019a1111-0000-7000-8000-${String(at).padStart(12, '0')}`,
    at: 1_767_225_600_000 - 1_000 * at,
    ageMs: 700 + 1_900 * at,
    tenant: at % 3 === 1 ? foreign : 'search',
    class: at % 5 === 4 ? 'batch' : 'interactive',
    model: 'llama-3-8b',
    adapter: '',
    policy: 'fair',
    replica: chosen?.replica ?? '',
    heldMs: isHeld ? 340 + 90 * at : 0,
    heldFor: isHeld ? 'room' : 'none',
    tier: 'full',
    promptTokens: 6_400 + 97 * at,
    cachedTokens: 6_144,
    total: chosen?.total,
    runnerUp: next === undefined ? undefined : { replica: next.replica, total: next.total },
    candidates: rows.length,
    costs,
    end:
      at < 2
        ? undefined
        : {
            outcome: at === 7 ? 'upstream-reset' : 'ok',
            ttftMs: 96 + 13 * at,
            outputTokens: 120,
            cachedTokens: 6_144,
            promptTokens: 6_400,
          },
  }
}
