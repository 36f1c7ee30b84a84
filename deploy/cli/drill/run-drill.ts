import { readFileSync } from 'node:fs'
import { type DoubleManners, demoManners } from '#deploy/local/demo/doubles.ts'
import { waitingAt } from '#deploy/local/demo/wait-watch.ts'
import type { Clock } from '#shared/call/clock.ts'
import { pause } from '#shared/call/pause.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { Config } from '#shared/config/schema.ts'
import type { Environment } from '#shared/config/secrets.ts'
import type { DrillArguments } from './arguments.ts'
import { statusAt } from './breaker-status.ts'
import { callOnce, type Phase } from './call.ts'
import { DrillSystem, demoConfig } from './drill-system.ts'
import { modelsByProvider, type Sabotage } from './drills.ts'
import type { DrillFacts } from './facts.ts'
import type { Journal } from './journal.ts'
import { Load } from './load.ts'
import { ProbeWatch } from './probe-watch.ts'
import { type ProviderCount, totals } from './provider-count.ts'

export interface DrillRun {
  readonly asked: DrillArguments
  readonly clock: Clock
  readonly environment: Environment
  /** Says what is being done. */
  readonly say: (text: string) => void
  /** Gets what ends every child at once. */
  readonly onMade: (kill: () => void) => void
}

/** Limits that twice the load would not meet. */
const roomOverLoad = 2
const beforeMsMin = 1_000
/** Long enough for a breaker to close again: three times its reset. */
const recoveryMs = 6_000
const lookMs = 250

/** Runs one drill. Rejects with a message for the user where the system cannot be started. */
export async function runDrill(run: DrillRun): Promise<DrillFacts> {
  const { asked, clock, environment, say, onMade } = run
  const file = asked.config ?? demoConfig
  const config = readPromises(file, asked)
  const rpm = Math.ceil(roomOverLoad * asked.rate * 60)
  say('starting the demo system')
  let probes: ProbeWatch | undefined
  const system = await DrillSystem.start(
    {
      config: file,
      clock,
      environment,
      manners: roomyManners(rpm),
      onBreaker: (move) => {
        if (move.provider === asked.provider) probes?.move(move)
      },
    },
    onMade,
  )
  try {
    probes = new ProbeWatch(
      () => system.count(asked.provider),
      (credential) => `demo-${asked.provider}-${credential}`,
    )
    return await broken({ run, config, rpm, system, probes })
  } finally {
    await system.stop()
  }
}

interface Broken {
  readonly run: DrillRun
  readonly config: Config
  readonly rpm: number
  readonly system: DrillSystem
  readonly probes: ProbeWatch
}

/** The load before, under and after the fault. */
async function broken({ run, config, rpm, system, probes }: Broken): Promise<DrillFacts> {
  const { asked, clock, say } = run
  const { model, dialect } = modelsByProvider[asked.provider]
  let phase: Phase = 'before'
  const timing = { rate: asked.rate, phase: () => phase }
  const plan = { port: system.port, model, dialect, callClass: 'interactive' } as const
  // Encodings are read and connections made with the first calls: not what a drill is about.
  await Promise.all(Array.from({ length: 4 }, () => callOnce(plan, 'before')))
  const load = new Load(clock, plan, timing)
  const loads = [load]
  const faultMs = asked.seconds * 1_000
  const sabotage = sabotageOf({ run, config, rpm, system }, (times) => {
    const batch = { ...plan, callClass: 'batch' } as const
    const flood = new Load(clock, batch, { ...timing, rate: times * asked.rate })
    loads.push(flood)
    flood.start()
  })
  const waits = watchWaits(clock, system)
  say(`asking 127.0.0.1:${system.port} for '${model}', ${asked.rate} times a second`)
  load.start()
  const beforeMs = Math.max(beforeMsMin, faultMs / 2)
  await pause(clock, beforeMs)
  say(`${asked.name}: ${asked.drill.line}`)
  const countBefore = await system.count(asked.provider)
  phase = 'during'
  const beganMs = clock.wall()
  await asked.drill.begin(sabotage)
  await pause(clock, faultMs)
  await asked.drill.end(sabotage)
  const endedMs = clock.wall()
  phase = 'after'
  say('the fault is over')
  await Promise.all(loads.slice(1).map((flood) => flood.stop()))
  const ownMs = asked.drill.recoveryMs(sabotage)
  await pause(clock, ownMs + Math.max(Math.min(recoveryMs, 2 * faultMs), faultMs / 2))
  const afterMs = clock.wall() - endedMs
  await load.stop()
  const mostWaiting = waits()
  const count = await system.count(asked.provider)
  await untilWritten(run, system.journal, count)
  return {
    asked,
    config,
    model,
    beganMs,
    endedMs,
    beforeMs,
    afterMs,
    records: loads.flatMap(({ records }) => records),
    skipped: loads.reduce((sum, { skipped }) => sum + skipped, 0),
    journal: system.journal,
    spans: await probes.spans(),
    opened: await probes.firstOpenings(countBefore),
    ...(await statusAt(system.ambassadorPort(asked.provider))),
    count: count && totals(count),
    countBefore: countBefore && totals(countBefore),
    unauthorized: count?.unauthorized ?? 0,
    mostWaiting,
  }
}

function sabotageOf(
  { run, config, rpm, system }: Omit<Broken, 'probes'>,
  flood: Sabotage['flood'],
): Sabotage {
  const { provider, rate, seconds } = run.asked
  return {
    provider,
    config,
    rpm,
    rate,
    faultMs: seconds * 1_000,
    script: (instruction) => system.script(provider, instruction),
    kill: (child) => system.killChild(child),
    after: (delayMs, action) => void run.clock.after(delayMs, action),
    flood,
  }
}

function roomyManners(rpm: number): DoubleManners {
  const { openai, azure, anthropic } = demoManners
  const tokens = 10_000_000
  return {
    openai: { ...openai, rpm, tpm: tokens },
    azure: { ...azure, rpm, tpm: tokens },
    anthropic: { ...anthropic, rpm, itpm: tokens, otpm: tokens },
  }
}

function readPromises(file: string, { provider }: DrillArguments): Config {
  const loaded = parseConfig(readFileSync(file, 'utf8'), file)
  if (!loaded.ok) throw new Error(`Cannot read '${file}': it is not valid`)
  const { config } = loaded
  const { model } = modelsByProvider[provider]
  if (config.models[model] === undefined || config.providers[provider] === undefined) {
    throw new Error(`Cannot drill '${file}': it has no model '${model}' or provider '${provider}'`)
  }
  return config
}

/** Ledger lines come with the end of a call: on their way at most this often {@link lookMs}. */
const looksMax = 40

/** Until the ledger has what the provider has counted, as far as it ever will. */
async function untilWritten(
  { asked, clock }: DrillRun,
  journal: Journal,
  count: ProviderCount | undefined,
): Promise<void> {
  const due = count === undefined ? 0 : totals(count).calls - count.unauthorized
  for (let looks = 0; looks < looksMax; looks++) {
    await pause(clock, lookMs)
    if (journal.attemptsAt(asked.provider) >= due) return
  }
}

/** Looks four times a second; gives the most calls that waited at each provider. */
function watchWaits(clock: Clock, system: DrillSystem): () => Map<string, number> {
  const most = new Map<string, number>()
  let undo = () => {}
  let isOver = false
  const look = async (provider: string) => {
    const waiting = await waitingAt(system.ambassadorPort(provider))
    most.set(provider, Math.max(most.get(provider) ?? 0, waiting ?? 0))
  }
  const next = async () => {
    await Promise.all(system.providers.map(look))
    if (!isOver) undo = clock.after(lookMs, () => void next())
  }
  void next()
  return () => {
    isOver = true
    undo()
    return most
  }
}
