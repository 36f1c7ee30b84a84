// Steps per second of the simulated engine, on one core, with a load like that of the Mooncake trace.
// Run: node test/bench/routing/steps.ts [NAME OF A LOAD]
//
// A second is one of CPU time of this process, all threads. Rounds are short, so that some of them are
// had alone on a busy machine too, where others take the caches; the best and the median are printed.

import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { Engine, type EngineCall } from '#deploy/simulator/replica/engine.ts'
import { stepTimes } from '#deploy/simulator/replica/step-time.ts'
import { VirtualClock } from '#deploy/simulator/virtual-clock.ts'
import { timesOf } from './timed.ts'

interface Load {
  readonly name: string
  readonly blockTokens: number
  readonly kvTokens: number
  readonly calls: number
  readonly promptTokens: number
  readonly outputTokens: number
  /** Whether blocks of answers are shared: a next turn would find them. */
  readonly outputs: 'keyed' | 'unique'
}

const mooncake = { calls: 60, promptTokens: 12_000, outputTokens: 340 } as const
const loads: readonly Load[] = [
  { name: 'mixed, block 512', blockTokens: 512, kvTokens: 1e6, outputs: 'unique', ...mooncake },
  { name: 'mixed, block 16', blockTokens: 16, kvTokens: 1e6, outputs: 'unique', ...mooncake },
  {
    name: 'mixed, block 512, keyed',
    blockTokens: 512,
    kvTokens: 1e6,
    outputs: 'keyed',
    ...mooncake,
  },
  { name: 'mixed, block 16, keyed', blockTokens: 16, kvTokens: 1e6, outputs: 'keyed', ...mooncake },
  { name: 'full, block 512', blockTokens: 512, kvTokens: 5e5, outputs: 'unique', ...mooncake },
  { name: 'full, block 16', blockTokens: 16, kvTokens: 5e5, outputs: 'unique', ...mooncake },
  { name: 'full, block 16, keyed', blockTokens: 16, kvTokens: 5e5, outputs: 'keyed', ...mooncake },
  {
    name: 'decode only, block 16',
    blockTokens: 16,
    kvTokens: 4e6,
    outputs: 'unique',
    calls: 60,
    promptTokens: 100,
    outputTokens: 50_000,
  },
  {
    name: 'decode only, block 512',
    blockTokens: 512,
    kvTokens: 4e6,
    outputs: 'unique',
    calls: 60,
    promptTokens: 100,
    outputTokens: 50_000,
  },
]

const systemPrompts = 40

/** Calls of one load: a quarter of each prompt is one of 40 shared beginnings. */
function callsOf({ blockTokens, promptTokens, outputTokens, outputs }: Load) {
  const random = pseudoRandom(1)
  let fresh = systemPrompts * 1_000_000
  return (finished: () => void): EngineCall => {
    const tokens = Math.ceil(promptTokens * (0.2 + 1.6 * random()))
    const output = Math.ceil(outputTokens * (0.2 + 1.6 * random()))
    const shared = Math.floor(random() * systemPrompts) * 1_000_000
    const keys = new Float64Array(Math.floor(tokens / blockTokens))
    for (let at = 0; at < keys.length; at += 1) {
      if (at * 4 < keys.length) keys[at] = shared + at
      else keys[at] = fresh++
    }
    const full = Math.floor((tokens + output - 1) / blockTokens) - keys.length
    return {
      promptTokens: tokens,
      keys,
      outputTokens: output,
      ...(outputs === 'keyed' ? { outputKeys: Array.from({ length: full }, () => fresh++) } : {}),
      priority: 0,
      adapter: '',
      sink: { firstToken() {}, finished },
    }
  }
}

/** Microseconds of CPU time that this process has used. */
function cpuSoFar(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

const rounds = 24
/** Of CPU time, each. Thousands of steps, and the work of the garbage collector in proportion. */
const roundMicroseconds = 125_000

/** Runs for about three seconds of CPU time. */
function measure(load: Load): string {
  const clock = new VirtualClock()
  const blocks = Math.floor(load.kvTokens / load.blockTokens)
  const { blockTokens } = load
  const engine = new Engine({ clock, blocks, blockTokens, stepTime: stepTimes.dynamo })
  const next = callsOf(load)
  let ended = 0
  const submit = () => {
    engine.submit(
      next(() => {
        ended += 1
        submit()
      }),
    )
  }
  for (let call = 0; call < load.calls; call += 1) submit()
  for (let until = 0; engine.steps < 20_000; until += 10_000) clock.run(until)
  const before = ended
  const rates = Array.from({ length: rounds }, () => roundOf(engine, clock))
  const { p50, max } = timesOf(rates)
  const hit = (engine.cachedTokens / engine.promptTokens) * 100
  return [
    load.name.padEnd(24),
    `${thousands(max)} steps/s of CPU in the best round, ${thousands(p50)} in the median`,
    `${ended - before} calls`.padStart(13),
    `hit ${hit.toFixed(0)} %`.padStart(10),
    `${engine.running} running, ${engine.waiting} waiting, ${engine.preemptions} preempted`,
  ].join('  ')
}

/** Steps per second of CPU time. */
function roundOf(engine: Engine, clock: VirtualClock): number {
  const before = { steps: engine.steps, cpu: cpuSoFar() }
  let used = 0
  for (let until = clock.now(); used < roundMicroseconds; used = cpuSoFar() - before.cpu) {
    until += 50_000
    clock.run(until)
  }
  return ((engine.steps - before.steps) / used) * 1e6
}

function thousands(rate: number): string {
  return `${(rate / 1_000).toFixed(0)}k`.padStart(4)
}

const [wanted] = process.argv.slice(2)
for (const load of loads.filter(({ name }) => name === (wanted ?? name))) {
  process.stdout.write(`${measure(load)}\n`)
}
