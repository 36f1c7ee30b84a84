// First result: five policies, three loads, one seed.
import { parseArgs } from 'node:util'
import { fair, fast } from '#ambassador/pool/dispatch/settings.ts'
import { policyNamed, type PolicyName } from '#ambassador/pool/policies/policy-named.ts'
import { type AgedPriority } from '#ambassador/pool/policies/vllm-priority.ts'
import { type Placing, usualWay, VirtualPool } from '#deploy/simulator/pool/virtual-pool.ts'
import { scaled, stepTimes, withPrefillRate } from '#deploy/simulator/replica/step-time.ts'
import { figuresOf } from './figures.ts'
import type { PoolRun } from '#deploy/simulator/pool/arrival.ts'
import { ladder, ladderBlockTokens } from './ladder.ts'
import { readMooncake, traceBlockTokens } from './mooncake.ts'

const { values } = parseArgs({
  options: {
    ladder: { type: 'string', default: '' },
    ws: { type: 'string', default: '0.5,1,2,3' },
    loads: { type: 'string', default: '0.6,0.9,1.0' },
    seeds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    set: { type: 'string', default: '' },
    limit: { type: 'string', default: '100000' },
  },
})
const file = '../shared/traces/mooncake-conversation.jsonl'
const replicas = 8
const over = Object.fromEntries(values.set.split(',').filter(Boolean).map((p) => { const [k, v] = p.split('='); return [k, Number(v)] }))
const named = (name: PolicyName, priority?: AgedPriority): Placing => ({ kind: 'policy', policy: (random) => policyNamed(name, { random, blockTokens: traceBlockTokens, priority }) })
const all: [string, Placing, 'fcfs' | 'priority', number][] = [
  ['round-robin', named('round-robin'), 'fcfs', 1000],
  ['least-in-flight', named('least-in-flight'), 'fcfs', 1000],
  ['llm-d-default', named('llm-d-default'), 'fcfs', 50],
  ['llm-d-default+priority', named('llm-d-default', { tokenMs: 1 / 65.8, ageing: 0.05 }), 'priority', 50],
  ['fast', { kind: 'dispatch', settings: { ...fast, ...over } }, 'fcfs', 1000],
  ['fair', { kind: 'dispatch', settings: { ...fair, ...over } }, 'fcfs', 1000],
]
if (values.ladder !== '') for (const kv of values.ladder.split(',').map(Number)) for (const seed of values.seeds.split(',').map(Number)) {
  const arrivals = ladder(seed)
  const stepTime = withPrefillRate(stepTimes.dynamo, { promptTokens: 8192, tokensPerSecond: 15_928 })
  const blocks = Math.floor(kv / ladderBlockTokens)
  for (const [name, placing, scheduling, scrapeMs] of all) {
    if (values.only !== '' && !values.only.split(',').includes(name)) continue
    const started = performance.now()
    const run = new VirtualPool({ replicas, engine: { blocks, blockTokens: ladderBlockTokens, scheduling, stepTime, stepTokensMax: 8192, sequencesMax: 1024 }, placing: name.includes('llm-d') ? ladderPolicy(name.includes('priority')) : placing, seed, ...usualWay, scrapeMs }).run(arrivals)
    print(`ladder ${kv} s${seed}`, name, run, started)
  }
}
const capacity: Record<string, number> = { '0.5': 2.12, '1': 3.438, '2': 5.15, '3': 6.166 }
for (const ws of values.ws.split(',').filter(Boolean)) for (const load of values.loads.split(',').map(Number)) {
  const blocks = Math.floor((Number(ws) * 3.26e6) / replicas / traceBlockTokens)
  const speed = load * (capacity[ws] ?? 1)
  for (const seed of values.seeds.split(',').map(Number)) {
    const arrivals = readMooncake({ file, seed, speed, arrivals: 'spread' }).slice(0, Number(values.limit))
    for (const [name, placing, scheduling, scrapeMs] of [['pooled', named('round-robin'), 'fcfs', 1000] as const, ...all]) {
      if (values.only !== '' && !values.only.split(',').includes(name)) continue
      const isPooled = name === 'pooled'
      const started = performance.now()
      const stepTime = stepTimes.dynamo
      const run = new VirtualPool({
        replicas: isPooled ? 1 : replicas,
        engine: isPooled
          ? { blocks: blocks * replicas, blockTokens: traceBlockTokens, scheduling, stepTime: scaled(stepTime, { prefill: 1 / replicas, decode: 1 }), stepTokensMax: 8192 * replicas, sequencesMax: 256 * replicas }
          : { blocks, blockTokens: traceBlockTokens, scheduling, stepTime, stepTokensMax: 8192, sequencesMax: 256 },
        placing, seed, ...usualWay, scrapeMs,
      }).run(arrivals)
      print(`${ws}ws ${load} s${seed}`, name, run, started)
    }
  }
}

function ladderPolicy(priority: boolean): Placing {
  return { kind: 'policy', policy: (random) => policyNamed('llm-d-default', { random, blockTokens: ladderBlockTokens, priority: priority ? { tokenMs: 1 / 15.928, ageing: 0.05 } : undefined }) }
}

function print(cell: string, name: string, run: PoolRun, started: number): void {
      const f = figuresOf(run)
      const ms = performance.now() - started
      const n = (v: number) => v.toFixed(v < 10 ? 2 : 1).padStart(7)
      console.log(`${cell} ${name.padEnd(24)} mean ${n(f.ttftMean)} p50 ${n(f.ttftP50)} p90 ${n(f.ttftP90)} p99 ${n(f.ttftP99)} | large ${n(f.largeP50)} ${n(f.largeMax)} | tpot ${n(f.tpotP90)} hit ${(f.hitRate * 100).toFixed(1)} err ${(f.hitError * 100).toFixed(2)} tok/s ${n(f.outputTokensPerSecond)} pre ${run.preemptions} | ${(run.steps / 1000).toFixed(0)}k steps ${(ms / 1000).toFixed(1)} s`)
}
