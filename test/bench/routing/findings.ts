import type { Environment } from '../environment.ts'
import { section, type Table } from '../table.ts'
import type { Runs } from './runs.ts'
import { capacityTable, hardestTable, tenantTable } from './tables.ts'
import { verdicts } from './targets.ts'

interface Bench {
  readonly machine: Environment
  readonly seeds: readonly number[]
  /** Cells and seeds that were run, and all there are. */
  readonly done: number
  readonly wanted: number
  /** File names. */
  readonly plots: readonly string[]
}

const captions: Readonly<Record<string, string>> = {
  'ttft-load.svg': 'Mean time to the first token against load, by KV cache',
  'ttft-p90-load.svg': 'The same, 90th percentile',
  'capacity.svg': 'Load at a p90 of 2 s',
  'largest-median.svg': 'The largest 1 % of the prompts, median',
  'largest-maximum.svg': 'The largest 1 % of the prompts, longest',
  'fairness.svg': 'What others wait beside a tenant that asks for too much',
  'shares.svg': 'What the tenant that fares worst has of its fair share of the replicas’ time',
  'hit-rate.svg': 'Prompt tokens found in a cache',
  'ladder.svg': 'The llm-d ladder',
  'workloads.svg': 'Other workloads',
  'scrapes.svg': 'Age of the gauges',
  'wide.svg': '64 replicas',
}

/** The page of findings. */
export function findings(runs: Runs, bench: Bench): string {
  return [
    head(bench),
    section('Targets', targetsText, targetTable(runs)),
    section('Against the best baseline of each cell', hardestText, hardestTable(runs)),
    section('Load at the objective', capacityText, capacityTable(runs)),
    section('Beside an aggressor', tenantText, tenantTable(runs)),
    plotsText(bench.plots),
  ].join('')
}

function head({ machine, seeds, done, wanted }: Bench): string {
  const { commit, isDirty, cpu, cores, node, date } = machine
  const isPart = done < wanted
  const partly = isPart
    ? ` Of ${wanted} cells and seeds ${done} were run: what has no interval is of one seed.`
    : ''
  const tree = isDirty ? ' with changes that are not committed' : ''
  return `# Placing calls on vLLM replicas

Written by \`npm run bench:routing\` on ${date.slice(0, 10)}, commit ${commit}${tree}; ${cpu}, ${cores} cores, node ${node}; seeds ${seeds.join(', ')}.${partly}
All of it is virtual time: the machine decides how long a run takes, not what comes out.

The ambassador's own decision code places calls on simulated replicas (\`deploy/simulator/replica\`: vLLM's scheduler, the step times of NVIDIA Dynamo's mocker).
\`fair\` and \`fast\` are ours; \`pooled\` is no router but one server with all caches and all speed, first come, first served.
Load is the share of that server's throughput. KV is the cache of all replicas as a multiple of what the trace asks for again (3.26 million tokens), or tokens of one replica.
llm-d reads gauges every 50 ms, ours every second. Policies with \`+priority\` tell vLLM's own queue the aged size of each call, on replicas with \`--scheduling-policy priority\`.
The same seed gives the same calls to every policy: ratios are of pairs, intervals are 95 % (Student's t of the logarithms). With few seeds they are wide.
Every cell and policy: [cells.md](cells.md); every run: [runs.json](runs.json); why targets are missed: [causes.md](causes.md).
What a decision costs: [costs.md](costs.md); the order of a few policies over HTTP: [wire.md](wire.md).
`
}

const targetsText =
  '*met*: the estimate is there. *open*: it is not, but its interval reaches the target. *missed*: neither.'
const hardestText =
  'How many times as long callers wait under the baseline that does best in the cell; **below 1 we lose**. It is compared with `fair`; one that lets the largest 1 % wait more than a tenth longer than `fair` does, both at the median and at most, is compared with `fast`.'
const capacityText =
  'Up to which load nine calls of ten have their first token within 2 s. Found by halving a grid of 0.05 from 0.1 to 1.3 and interpolated; loads beyond 1 are a short overload, for the trace is finite.'
const tenantText =
  'Seconds to the first token. Until the last call comes, what each tenant has had of the replicas’ time is compared with its max-min fair part: Jain’s index is 1 where all had alike of theirs, and the least part is that of the tenant that fared worst.'

function targetTable(runs: Runs): Table {
  const rows = verdicts(runs).map(({ what, target, measured, state }) => [
    what,
    target,
    measured,
    state === 'met' ? 'met' : `**${state}**`,
  ])
  return { head: ['what', 'target', 'measured', ''], rows }
}

function plotsText(plots: readonly string[]): string {
  const known = Object.entries(captions).filter(([name]) => plots.includes(name))
  const images = known.map(([name, caption]) => `![${caption}](${name})\n`)
  return known.length === 0 ? '' : `\n## Plots\n\n${images.join('\n')}`
}
