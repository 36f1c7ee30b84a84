import type { Environment } from '../environment.ts'
import { tableText } from '../table.ts'
import { type Estimate, meanEstimate } from './intervals.ts'
import type { Seen, Window } from './wire-drive.ts'
import type { Standing } from './wire-order.ts'
import type { OnWire } from './wire-run.ts'

/** What one policy did in one round. */
interface Turn {
  readonly policy: string
  readonly seed: number
  readonly wire: OnWire
  readonly virtual: Pick<Seen, 'ttft' | 'hit'>
}

export interface WireResult {
  readonly machine: Environment
  readonly setting: {
    readonly slowness: number
    readonly load: number
    /** The speed of the workload at which the pooled server saturates. */
    readonly saturation: number
    readonly window: Window
    readonly replicas: number
  }
  readonly policies: readonly string[]
  readonly turns: readonly Turn[]
  readonly standing: readonly Standing[]
}

/** Above it, of a core, waiting for the processor would be a part of what is measured. */
const busyMax = 0.5
/** The same for the part of the time in which the gateway found no core free. */
const starvedMax = 0.05

/** The page of results. */
export function wirePage(result: WireResult): string {
  const { policies, turns } = result
  const times = tableText({
    head: ['policy', 'time', 'TTFT mean', 'p50', 'p90', 'hit', 'calls', 'failed'],
    rows: policies.flatMap((policy) => rowsOf(turns.filter((turn) => turn.policy === policy))),
  })
  const orders = tableText({
    head: ['mean TTFT of', 'over that of', 'on the wire', 'in virtual time', 'order'],
    rows: result.standing.map(({ one, other, wire, virtual, verdict }) => {
      return [one, other, interval(wire, 2), interval(virtual, 2), verdict]
    }),
  })
  return [
    ...head(result),
    times,
    'Means of the rounds with 95 % intervals, milliseconds; p50 and p90 are means of the rounds’ own.',
    '',
    '## Whether the order is the same',
    '',
    orders,
    ...verdict(result.standing),
    '',
    '## How busy the machine was',
    '',
    ...busy(turns),
    '',
  ].join('\n')
}

function head({ machine, setting, turns }: WireResult): string[] {
  const { commit, isDirty, cpu, cores, node, date } = machine
  const { slowness, load, saturation, window, replicas } = setting
  const seconds = (ms: number) => (ms / 1_000).toFixed(0)
  const seeds = [...new Set(turns.map(({ seed }) => seed))]
  return [
    '# A few policies over HTTP in real time',
    '',
    'Made by `node test/bench/routing/wire.ts`; do not edit. ' +
      `Commit ${commit}${isDirty ? ', with changes' : ''} · ${cpu}, ${cores} cores · Node ${node} · ` +
      `${date} · load average before the run ${machine.load.join(', ')}.`,
    '',
    `${replicas} simulated replicas at 1/${slowness} of their published speed, a load of ${load} (sessions`,
    `at ${(load * saturation).toFixed(2)} times the workload's own rate, of which ${saturation.toFixed(2)}`,
    `saturates one server as large as all), seeds ${seeds.join(', ')}: a round each, in which every policy`,
    `gets the same calls. Counted are those sent between ${seconds(window.fromMs)} s and`,
    `${seconds(window.untilMs)} s.`,
    '',
  ]
}

function rowsOf(turns: readonly Turn[]): string[][] {
  return (['wire', 'virtual'] as const).map((kind) => {
    const mean = (of: (seen: Pick<Seen, 'ttft' | 'hit'>) => number) =>
      meanEstimate(turns.map((turn) => of(turn[kind])))
    const failed = turns.reduce((sum, { wire }) => sum + wire.failed, 0)
    const calls = turns.reduce((sum, turn) => sum + turn[kind].ttft.count, 0)
    return [
      turns[0]?.policy ?? '',
      kind === 'wire' ? 'real, HTTP' : 'virtual',
      interval(
        mean(({ ttft }) => ttft.mean),
        0,
      ),
      mean(({ ttft }) => ttft.p50).value.toFixed(0),
      mean(({ ttft }) => ttft.p90).value.toFixed(0),
      `${(mean(({ hit }) => hit).value * 100).toFixed(1)} %`,
      String(calls),
      kind === 'wire' ? String(failed) : '0',
    ]
  })
}

function verdict(all: readonly Standing[]): string[] {
  const count = (kind: Standing['verdict']) => all.filter((one) => one.verdict === kind).length
  return [
    `Of ${all.length} pairs ${count('same')} stand as in virtual time, ${count('differs')} the other way`,
    `round, and of ${count('open')} the rounds do not tell (an interval holds 1).`,
  ]
}

function busy(turns: readonly Turn[]): string[] {
  const most = (of: (turn: Turn) => number) => Math.max(...turns.map(of))
  const mean = (of: (turn: Turn) => number) => meanEstimate(turns.map(of)).value
  const rows: readonly (readonly [string, (turn: Turn) => number])[] = [
    ['gateway, of a core', ({ wire }) => wire.busy.gateway],
    ['callers, of a core', ({ wire }) => wire.busy.generator],
    ['busiest replica, of a core', ({ wire }) => wire.busy.replica],
    ['machine, of all its cores', ({ wire }) => wire.busy.machine],
    ['gateway waiting for a core, of the time', ({ wire }) => wire.busy.gatewayStarved],
  ]
  const share = (value: number) => `${(value * 100).toFixed(1)} %`
  const isFree = turns.every(({ wire: { busy: of } }) => {
    return of.gateway < busyMax && of.generator < busyMax && of.gatewayStarved < starvedMax
  })
  const late = most(({ wire }) => wire.late.p99)
  return [
    tableText({
      head: ['who', 'mean of the rounds', 'most'],
      rows: rows.map(([name, of]) => [name, share(mean(of)), share(most(of))]),
    }),
    `Calls were sent at most ${late.toFixed(0)} ms late (p99 of the worst round). `,
    isFree
      ? 'Processors were free: what is measured is the replicas and the policies.'
      : `Processors were not free in all rounds (gateway or callers above ${share(busyMax)}, or the ` +
        `gateway waiting above ${share(starvedMax)}): the times are not to be trusted.`,
  ]
}

function interval({ value, low, high }: Estimate, digits: number): string {
  const text = value.toFixed(digits)
  if (!Number.isFinite(low)) return text
  return `${text} (${low.toFixed(digits)} to ${high.toFixed(digits)})`
}
