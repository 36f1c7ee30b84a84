import { Cancellation } from '#shared/call/cancellation.ts'
import { systemClock } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Permit } from '../../ambassador/quota/permit.ts'
import { Quota } from '../../ambassador/quota/quota.ts'
import { compatibleLimits } from '../../ambassador/quota/shape.ts'
import type { LayersCost } from './layers.ts'

const tenants = 20

function startQuota(calls: number): Quota {
  return new Quota(
    { clock: systemClock, shape: compatibleLimits },
    {
      credentials: [{ name: 'main', weight: 1, limits: { concurrency: 1 }, share: 1 }],
      waitingMax: { interactive: calls, batch: calls },
      tenantShareMax: 1,
      batchShare: 0.1,
    },
  )
}

/** A day, the longest deadline there is: whoever comes last of many behind one place waits as well. */
const patienceMs = 86_400_000

function enter(quota: Quota, at: number): Waiting {
  const cancellation = new Cancellation()
  const granted = quota.enter({
    tenant: `tenant-${at % tenants}`,
    weight: 1,
    class: 'interactive',
    model: 'gpt-4o',
    inputTokens: 500,
    cachedTokens: 0,
    outputTokensMax: undefined,
    session: undefined,
    patienceMs,
    cancellation,
    excluded: [],
  })
  return { cancellation, granted }
}

interface Waiting {
  readonly cancellation: Cancellation
  readonly granted: Permit | Promise<Permit>
}

/** CPU of `action` in µs per call. */
function cpuUs(calls: number, action: () => void): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / calls
}

/** Without an answer that was seen a queue goes slowly, for nobody knows what the provider takes. */
function finish(permit: Permit): void {
  permit.observe({ status: 200, headers: [], body: undefined })
  permit.settle(undefined)
}

interface Costs {
  readonly enter: number
  readonly cancel: number
  readonly grant: number
}

/** Behind one place. The grants follow one another: each is the end of the call before it. */
async function measureOnce(calls: number): Promise<Costs> {
  const quota = startQuota(calls)
  let waiting: Waiting[] = []
  const fill = () => {
    waiting = Array.from({ length: calls }, (_, at) => enter(quota, at))
  }
  const first = enter(quota, 0)
  const entered = cpuUs(calls, fill)
  const left = new CallError('client-left', 'Cannot wait: the caller has left')
  const refusals = waiting.map(({ granted }) => Promise.resolve(granted).catch(() => undefined))
  const cancelled = cpuUs(calls, () => {
    for (const { cancellation } of waiting) cancellation.cancel(left)
  })
  await Promise.all(refusals)
  fill()
  const ends = waiting.map(({ granted }) => Promise.resolve(granted).then(finish))
  const before = process.cpuUsage()
  if (!(first.granted instanceof Promise)) finish(first.granted)
  await Promise.all(ends)
  const { user, system } = process.cpuUsage(before)
  return { enter: entered, cancel: cancelled, grant: (user + system) / calls }
}

/** The queue before a provider's limits by itself: steps of a call, in µs each. */
export async function queueCosts(repeats: number, calls: number): Promise<LayersCost[]> {
  await measureOnce(calls)
  const costs: Costs[] = []
  for (let repeat = 0; repeat < repeats; repeat++) costs.push(await measureOnce(calls))
  const row = (what: string, pick: (cost: Costs) => number): LayersCost => ({
    name: `${what} a queue of ${calls} calls of ${tenants} tenants`,
    us: costs.map(pick),
    addedUs: [],
  })
  return [
    row('entering', (cost) => cost.enter),
    row('leaving by cancelling', (cost) => cost.cancel),
    row('leaving by turn', (cost) => cost.grant),
  ]
}
