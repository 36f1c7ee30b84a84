import assert from 'node:assert/strict'
import { Cancellation } from '#shared/call/cancellation.ts'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import { Quota } from '../../../ambassador/quota/quota.ts'
import type { Want } from '../../../ambassador/quota/want.ts'
import { createLimiter, type Limiter } from '../../../deploy/simulator/limits/limiter.ts'
import type { Figures } from './figures.ts'
import { Refusals } from './refusals.ts'
import type { Scenario, Truth } from './scenario.ts'
import { chance, type VirtualClock, virtualClock } from './virtual-clock.ts'

/** Of the whole limit; three times it together. */
export const demands: readonly number[] = [0.05, 0.1, 0.35, 0.5, 0.8, 1.2]
/** Left out of the figures on both sides: the full bucket at the start, and the time to find a cut. */
const settlingMs = 60_000
const cutMs = 10_000
export const cutTo = 0.7

class Run {
  readonly scenario: Scenario
  readonly clock: VirtualClock
  readonly quotas: readonly Quota[]
  readonly limiter: Limiter
  readonly random: () => number
  sent = 0
  refusedInCut = 0
  refusedElse = 0
  inFlight = 0
  placeMs = 0
  placesAtMs = 0
  placesInUse = 0
  overPatienceMs = 0
  readonly refusals: Refusals
  readonly waits: number[] = []
  readonly offered = new Map<string, number>()
  readonly served = new Map<string, number>()
  charged = 0

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.clock = virtualClock(scenario.seed)
    this.random = chance(scenario.seed * 7 + 1)
    this.refusals = new Refusals(this.clock, scenario)
    const { vendor, limits } = scenario
    const now = this.clock.wall()
    this.limiter =
      typeof vendor === 'function' ? vendor(limits, now) : createLimiter(vendor, { limits, now })
    const options = {
      credentials: [
        { name: 'main', weight: 1, share: 1 / scenario.processes, limits: scenario.configured },
      ],
      waitingMax: { interactive: 10_000, batch: 10_000 },
      tenantShareMax: 0.5,
      batchShare: 0.1,
    }
    const parts = { clock: this.clock, shape: scenario.shape }
    this.quotas = Array.from({ length: scenario.processes }, () => new Quota(parts, options))
  }

  get isMeasured(): boolean {
    return this.clock.now() >= settlingMs
  }

  get isCutting(): boolean {
    const sinceMs = this.clock.now() - this.scenario.durationMs / 2
    return sinceMs >= 0 && sinceMs < cutMs
  }

  draw(tenant: string): Truth {
    const { random } = this
    const input = Math.ceil(300 * Math.exp(1.2 * random()) * (0.5 + random()))
    const cached = random() < 0.4 ? Math.floor(input * 0.5) : 0
    const outputMax = [128, 256, 512, 1_024][Math.floor(random() * 4)] ?? 128
    const output = Math.ceil(outputMax * (0.2 + 0.8 * random()))
    return { tenant, input, cached, output, outputMax }
  }

  /** Calls of one tenant, at random instants, at a mean rate of charges. */
  arrive(tenant: string, chargePerMs: number, meanCharge: number): void {
    const gapMs = (-Math.log(1 - this.random()) * meanCharge) / chargePerMs
    this.clock.after(gapMs, () => {
      this.call(this.draw(tenant))
      this.arrive(tenant, chargePerMs, meanCharge)
    })
  }

  call(truth: Truth): void {
    const { scenario, clock } = this
    const [least, most] = scenario.estimate
    const factor = least + (most - least) * this.random()
    const enteredMs = clock.now()
    if (this.isMeasured) add(this.offered, truth.tenant, scenario.tokensOf(truth))
    const waited = (permit: Permit) => {
      this.waits.push(clock.now() - enteredMs)
      // By when it came, as what was offered: a line that was there before is not counted twice.
      if (enteredMs >= settlingMs) add(this.served, truth.tenant, scenario.tokensOf(truth))
      this.send(truth, permit)
    }
    const quota = this.quotas[Math.floor(this.random() * this.quotas.length)]
    assert.ok(quota)
    const want: Want = {
      tenant: truth.tenant,
      weight: 1,
      class: 'interactive',
      model: 'm',
      inputTokens: Math.round(truth.input * factor),
      cachedTokens: Math.round(truth.cached * factor),
      outputTokensMax: truth.outputMax,
      session: undefined,
      patienceMs: scenario.patienceMs,
      cancellation: new Cancellation(),
      excluded: [],
    }
    try {
      const entered = quota.enter(want)
      if (!(entered instanceof Promise)) waited(entered)
      else {
        entered.then(waited, () => {
          this.refusals.late(clock.now() - enteredMs)
          const overMs = clock.now() - enteredMs - scenario.patienceMs
          this.overPatienceMs = Math.max(this.overPatienceMs, overMs)
        })
      }
    } catch (error) {
      this.refusals.atOnce(error, { want, quota, waited })
    }
  }

  send(truth: Truth, permit: Permit): void {
    this.inFlight++
    this.clock.after(10 + 20 * this.random(), () => this.reach(truth, permit))
  }

  reach(truth: Truth, permit: Permit): void {
    const { clock, limiter, scenario } = this
    const verdict = limiter.admit({
      atMs: clock.wall(),
      credential: permit.credential,
      model: 'm',
      inputTokens: truth.input,
      cachedTokens: truth.cached,
      maxOutputTokens: truth.outputMax,
    })
    this.sent++
    const { status, body } = verdict
    const headers = scenario.hasHeaders ? verdict.headers.flat() : []
    if (!verdict.isAdmitted) {
      if (this.isCutting) this.refusedInCut++
      else this.refusedElse++
      clock.after(10 + 20 * this.random(), () => {
        this.inFlight--
        permit.observe({ status, headers, body })
        permit.settle(undefined)
      })
      return
    }
    if (this.isMeasured) this.charged += scenario.chargeOf(truth)
    this.place(1)
    const headMs = 300 + 700 * this.random()
    const bodyMs = truth.output * 10
    clock.after(headMs + (scenario.isWhole ? bodyMs : 0), () =>
      permit.observe({ status, headers, body: undefined }),
    )
    // Who counts output as it is generated is told of it.
    const stepMs = scenario.vendor === 'anthropic' ? 500 : Infinity
    for (let ms = stepMs; ms < bodyMs; ms += stepMs) {
      clock.after(headMs + ms, () =>
        limiter.progress(verdict.id, {
          atMs: clock.wall(),
          outputTokens: Math.floor((truth.output * ms) / bodyMs),
        }),
      )
    }
    clock.after(headMs + bodyMs, () => {
      limiter.settle(verdict.id, { atMs: clock.wall(), outputTokens: truth.output })
      this.place(-1)
      this.inFlight--
      permit.settle({ input: truth.input, cached: truth.cached, output: truth.output })
    })
  }

  /** Keeps the time that places were in use. */
  place(change: number): void {
    const nowMs = this.clock.now()
    const fromMs = Math.max(this.placesAtMs, settlingMs)
    if (nowMs > fromMs) this.placeMs += this.placesInUse * (nowMs - fromMs)
    this.placesAtMs = nowMs
    this.placesInUse += change
  }

  figures(): Figures {
    const { scenario, sent, refusedElse, waits } = this
    const wholeMs = scenario.durationMs / 2 - settlingMs + (scenario.durationMs / 2) * cutTo
    this.place(0)
    const utilisation =
      scenario.capacityPerMs === undefined
        ? this.placeMs / ((scenario.places ?? 0) * wholeMs)
        : this.charged / (scenario.capacityPerMs * wholeMs)
    const sorted = waits.toSorted((left, right) => left - right)
    return {
      sent,
      refusedInCut: this.refusedInCut,
      refusedElse,
      refusedShare: refusedElse / sent,
      utilisation,
      unfairness: unfairness(this.offered, this.served),
      turnedAway: this.refusals.count,
      refusals: this.refusals.figures(sent),
      waitP50Ms: sorted[Math.floor(sorted.length / 2)] ?? 0,
      waitMsMax: sorted.at(-1) ?? 0,
      longestOverPatienceMs: this.overPatienceMs,
      inFlightLeft: this.inFlight,
    }
  }
}

function add(sums: Map<string, number>, key: string, amount: number): void {
  sums.set(key, (sums.get(key) ?? 0) + amount)
}

/** Deviation from the max-min fair shares of what was served in all. */
function unfairness(offered: Map<string, number>, served: Map<string, number>): number {
  let left = [...served.values()].reduce((sum, each) => sum + each, 0)
  const byDemand = [...offered].toSorted(([, one], [, other]) => one - other)
  let worst = 0
  for (const [at, [tenant, demand]] of byDemand.entries()) {
    const fair = Math.min(demand, left / (byDemand.length - at))
    left -= fair
    worst = Math.max(worst, Math.abs((served.get(tenant) ?? 0) - fair) / fair)
  }
  return worst
}

/** Runs a scenario to its end; half-way the limits are cut by 30 %, which nobody tells. */
export async function simulate(scenario: Scenario): Promise<Figures> {
  const run = new Run(scenario)
  let sum = 0
  for (let draw = 0; draw < 2_000; draw++) sum += scenario.chargeOf(run.draw(''))
  for (const [at, share] of demands.entries()) {
    run.arrive(`tenant-${at}`, share * scenario.demandPerMs, sum / 2_000)
  }
  run.clock.after(scenario.durationMs / 2, () => {
    const cut = Object.entries(scenario.limits).map(([name, limit]) => [name, limit * cutTo])
    run.limiter.setLimits(Object.fromEntries(cut))
  })
  await run.clock.run(scenario.durationMs)
  return run.figures()
}
