import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { Cancellation } from '#shared/call/cancellation.ts'
import { systemClock } from '#shared/call/clock.ts'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import { Quota } from '../../../ambassador/quota/quota.ts'
import { openaiLimits } from '../../../ambassador/quota/shape.ts'
import { table } from '../tokens/table.ts'

const tenants = 20
const calls = 10_000
const workMs = 0.03
const shutSeconds = 1
const limits = { requests: 60_000_000, tokens: 6_000_000_000 }

interface Opening {
  readonly holdMs: number
  /** From the first permit to the last. */
  readonly emptyMs: number
}

/** Fills a line behind a refusal, and lets it go. */
async function openOnce(): Promise<Opening> {
  const quota = new Quota(
    { clock: systemClock, shape: openaiLimits },
    {
      credentials: [{ name: 'main', weight: 1, limits, share: 1 }],
      waitingMax: { interactive: calls, batch: 0 },
      tenantShareMax: 1,
      batchShare: 0.1,
    },
  )
  const enter = (at: number): Permit | Promise<Permit> =>
    quota.enter({
      tenant: `tenant-${at % tenants}`,
      weight: 1,
      class: 'interactive',
      model: 'gpt-4o',
      inputTokens: 500,
      cachedTokens: 0,
      outputTokensMax: 500,
      session: undefined,
      patienceMs: 60_000,
      cancellation: new Cancellation(),
      excluded: [],
    })
  const first = enter(0)
  if (first instanceof Promise) throw new Error('Cannot measure: the first call waits')
  const headers = ['retry-after', `${shutSeconds}`]
  first.observe({ status: 429, headers, body: '{"error":{"message":"tokens per minute (TPM)"}}' })
  const atMs: number[] = []
  const waiting = Array.from({ length: calls }, async (_, at) => {
    await enter(at)
    const nowMs = performance.now()
    atMs.push(nowMs)
    while (performance.now() - nowMs < workMs);
  })
  await wait(100)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await Promise.all(waiting)
  await wait(20)
  delay.disable()
  quota.close(new Error('Cannot wait: the trial is over'))
  return { holdMs: delay.max / 1e6, emptyMs: (atMs.at(-1) ?? 0) - (atMs[0] ?? 0) }
}

/** The first round is for the compiler. */
export async function measureOpening(): Promise<Opening[]> {
  const rounds: Opening[] = []
  for (let round = 0; round < 4; round++) rounds.push(await openOnce())
  return rounds.slice(1)
}

export function openingTable(openings: readonly Opening[]): string {
  const rows = openings.map(({ holdMs, emptyMs }, at) => [
    String(at + 1),
    holdMs.toFixed(1),
    emptyMs.toFixed(0),
  ])
  return table(['round', 'longest hold, ms', 'first to last permit, ms'], rows)
}
