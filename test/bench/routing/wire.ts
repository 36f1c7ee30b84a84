import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { environment } from '../environment.ts'
import { contestantNamed } from './contestants.ts'
import { saturationSpeed } from './run-once.ts'
import { standings } from './wire-order.ts'
import { type WireResult, wirePage } from './wire-page.ts'
import { inVirtualTime, onWire } from './wire-run.ts'
import { sessionsOf, wireReplica, wireWorkload } from './wire-workload.ts'

/**
 * A few policies over the same calls, in real time over HTTP and in virtual time, in several rounds of
 * another seed each; written to `test/bench/results/routing/wire.md`. Ends with 1 where two policies
 * stand the other way round on the wire than in virtual time:
 *
 *     node test/bench/routing/wire.ts [--policies a,b,c] [--rounds 5] [--seconds 28] [--lead 8]
 *         [--slowness 2] [--load 0.7] [--seed 1] [--print]
 *
 * Each policy's turn in a round takes `--seconds` and some seven more, all of them nine minutes; calls of
 * the first `--lead` seconds are not counted. `--slowness` is how many times as slow as published the
 * engines are, `--load` a share of the rate at which one server as large as all saturates with them.
 * `--print` writes no file.
 */
const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: 'round-robin,llm-d-default,fair' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '28' },
    lead: { type: 'string', default: '8' },
    slowness: { type: 'string', default: '2' },
    load: { type: 'string', default: '0.7' },
    seed: { type: 'string', default: '1' },
    print: { type: 'boolean', default: false },
  },
})
const file = join(import.meta.dirname, '..', 'results', 'routing', 'wire.md')
const [rounds, slowness, load] = [values.rounds, values.slowness, values.load].map(Number)
const window = { fromMs: Number(values.lead) * 1_000, untilMs: Number(values.seconds) * 1_000 }

/** Runs all rounds, one policy after the other in each. */
async function measured(count: number, slow: number, share: number): Promise<WireResult> {
  const machine = environment({ repeats: count, isQuick: values.print })
  const workload = wireWorkload(slow)
  const firstSeed = Number(values.seed)
  const kvTokens = wireReplica.blocks * wireReplica.blockTokens
  const pooled = { workload, contestant: contestantNamed('pooled'), kvTokens, seed: firstSeed }
  const saturation = saturationSpeed(pooled)
  const policies = values.policies.split(',')
  const turns: WireResult['turns'][number][] = []
  for (let round = 0; round < count; round++) {
    const seed = firstSeed + round
    const arrivals = sessionsOf(seed, { speed: share * saturation, untilMs: window.untilMs })
    // Another one begins each round: what the machine does beside this falls on all alike.
    for (const at of policies.keys()) {
      const policy = policies[(at + round) % policies.length] ?? ''
      const task = { policy, arrivals, window, slowness: slow, seed }
      const turn = { policy, seed, virtual: inVirtualTime(task), wire: await onWire(task) }
      turns.push(turn)
      const { ttft, busy } = turn.wire
      console.error(
        `seed ${seed} ${policy}: ${ttft.count} calls, TTFT ${ttft.mean.toFixed(0)} ms, ` +
          `gateway ${(busy.gateway * 100).toFixed(0)} % of a core`,
      )
    }
  }
  const paces = policies.map((policy) => {
    const own = turns.filter((turn) => turn.policy === policy)
    const meansOf = (kind: 'wire' | 'virtual') => own.map((turn) => turn[kind].ttft.mean)
    return { policy, wire: meansOf('wire'), virtual: meansOf('virtual') }
  })
  const standing = standings(paces)
  const setting = { slowness: slow, load: share, saturation, window, replicas: workload.replicas }
  return { machine, setting, policies, turns, standing }
}

const result = await measured(rounds ?? 1, slowness ?? 1, load ?? 1)
const page = wirePage(result)
if (values.print) console.log(page)
else await writeFile(file, page)
process.exit(result.standing.some(({ verdict }) => verdict === 'differs') ? 1 : 0)
