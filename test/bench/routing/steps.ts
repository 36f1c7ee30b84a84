// Steps per second of the simulated engine, on one core, with a load like that of the Mooncake trace.
// Run: node test/bench/routing/steps.ts

import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { Engine, type EngineCall } from '#deploy/simulator/replica/engine.ts'
import { stepTimes } from '#deploy/simulator/replica/step-time.ts'
import { VirtualClock } from '#deploy/simulator/virtual-clock.ts'

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

/** Of CPU time: a busy machine makes it longer, not different. */
const measuredMicroseconds = 2e6

/** Runs for about two seconds of CPU time. */
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
  const before = { steps: engine.steps, ended, cpu: cpuSoFar() }
  for (let until = clock.now(); cpuSoFar() - before.cpu < measuredMicroseconds; until += 100_000) {
    clock.run(until)
  }
  const rate = ((engine.steps - before.steps) / (cpuSoFar() - before.cpu)) * 1e6
  const hit = (engine.cachedTokens / engine.promptTokens) * 100
  return [
    load.name.padEnd(24),
    `${Math.round(rate).toLocaleString('en')} steps/s of CPU`.padStart(26),
    `${ended - before.ended} calls`.padStart(16),
    `hit ${hit.toFixed(0)} %`.padStart(10),
    `${engine.running} running, ${engine.waiting} waiting, ${engine.preemptions} preempted`,
  ].join('  ')
}

for (const load of loads) process.stdout.write(`${measure(load)}\n`)
