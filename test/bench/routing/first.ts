// First result: five policies, three loads, one seed.
import { parseArgs } from 'node:util'
import { fair, fast } from '#ambassador/pool/dispatch/settings.ts'
import { policyNamed, type PolicyName } from '#ambassador/pool/policies/policy-named.ts'
import { type AgedPriority } from '#ambassador/pool/policies/vllm-priority.ts'
import { type Placing, usualWay, VirtualPool } from '#deploy/simulator/pool/virtual-pool.ts'
import { scaled, stepTimes } from '#deploy/simulator/replica/step-time.ts'
import { figuresOf } from './figures.ts'
import { readMooncake, traceBlockTokens } from './mooncake.ts'

const { values } = parseArgs({
  options: {
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
const capacity: Record<string, number> = { '0.5': 2.12, '1': 3.438, '2': 5.15, '3': 6.166 }
for (const ws of values.ws.split(',')) for (const load of values.loads.split(',').map(Number)) {
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
      const f = figuresOf(run)
      const ms = performance.now() - started
      const n = (v: number) => v.toFixed(v < 10 ? 2 : 1).padStart(7)
      console.log(`${ws}ws ${load} s${seed} ${name.padEnd(24)} mean ${n(f.ttftMean)} p50 ${n(f.ttftP50)} p90 ${n(f.ttftP90)} p99 ${n(f.ttftP99)} | large ${n(f.largeP50)} ${n(f.largeMax)} | tpot ${n(f.tpotP90)} hit ${(f.hitRate * 100).toFixed(1)} err ${(f.hitError * 100).toFixed(2)} tok/s ${n(f.outputTokensPerSecond)} pre ${run.preemptions} | ${(run.steps / 1000).toFixed(0)}k steps ${(ms / 1000).toFixed(1)} s`)
    }
  }
}
