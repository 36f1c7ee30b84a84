import { processes } from '#deploy/image/processes.ts'
import { pointTitles } from './cancel-calls.ts'
import { cancelMsMax, cancelSummaries } from './cancel-summary.ts'
import type { Environment } from './environment.ts'
import type { Cell } from './measure.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { coldCalls } from './start-up.ts'
import { figure, show } from './statistics.ts'
import { section, type Table } from './table.ts'
import { coldInBareHops, inBareHops, type Measured, verdicts } from './targets.ts'
import { warmthText } from './warm-up.ts'

const routeNames = ['direct', 'bare', 'pair', 'nginx'] as const

function median(cells: readonly Cell[], pick: (cell: Cell) => number): string {
  return show(figure(cells.map(pick)))
}

function rowOf(measured: Measured, { name, title, unit }: Scenario, cells: readonly Cell[]) {
  const [first] = cells
  if (first === undefined) return []
  const cpu = (process: string) =>
    first.cpuUs[process] === undefined ? '' : median(cells, (cell) => cell.cpuUs[process] ?? 0)
  const isCompared = first.route === 'pair' || first.route === 'nginx'
  const hops = isCompared ? inBareHops(measured, name, first.route) : undefined
  return [
    [
      `${title} (per ${unit})`,
      first.route,
      first.route === 'direct' ? '' : median(cells, (cell) => cell.cpuUsTotal),
      cpu('sidecar'),
      cpu('ambassador'),
      hops === undefined ? '' : show(hops),
      median(cells, (cell) => cell.unitsPerSecond),
      median(cells, (cell) => cell.latency.p50Ms),
      median(cells, (cell) => cell.latency.p99Ms),
      String(Math.round(Math.max(...cells.map((cell) => cell.latency.maxMs)))),
      median(cells, (cell) => cell.beginning.p99Ms),
      first.lateP99Ms === 0 ? '' : median(cells, (cell) => cell.lateP99Ms),
      String(cells.reduce((sum, cell) => sum + cell.total.losses, 0)),
    ],
  ]
}

function loadTable(measured: Measured): Table {
  const rows = scenarios.flatMap((scenario) =>
    routeNames.flatMap((route) => {
      const cells = (measured.cells.get(scenario.name) ?? []).filter((cell) => cell.route === route)
      return rowOf(measured, scenario, cells)
    }),
  )
  const head = ['load', 'route', 'CPU µs/unit', 'sidecar', 'ambassador', 'in bare hops']
  return {
    head: [
      ...head,
      'units/s',
      'p50 ms',
      'p99 ms',
      'max ms',
      'beginning: p99 ms',
      'late ms',
      'losses',
    ],
    rows,
  }
}

function halvesTable(measured: Measured): Table {
  const rows = (['sidecar', 'ambassador'] as const).flatMap((half) => {
    const starts = measured.starts.filter((start) => start.half === half)
    if (starts.length === 0) return []
    const pairs = [...measured.cells.values()].flat().filter(({ route }) => route === 'pair')
    const after = pairs.map((cell) => cell.memory[half]?.anonymousMB ?? 0)
    return [
      [
        half,
        show(figure(starts.map(({ cpuMs }) => cpuMs))),
        show(figure(starts.map(({ wallMs }) => wallMs))),
        show(figure(starts.map(({ idle }) => idle.anonymousMB))),
        show(figure(starts.map(({ idle }) => idle.rssMB))),
        show(figure(starts.map(({ loaded }) => loaded.anonymousMB))),
        after.length === 0 ? '' : Math.max(...after).toFixed(1),
      ],
    ]
  })
  const head = ['half', 'ready: CPU ms', 'ready: wall ms', 'idle anonymous MB', 'idle RSS MB']
  return { head: [...head, 'then 2,000 calls/s: anonymous MB', 'most after all loads'], rows }
}

function coldTable(measured: Measured): Table {
  const ratio = coldInBareHops(measured)
  const rows = (['bare', 'pair'] as const).flatMap((route) => {
    const colds = measured.colds.filter((cold) => cold.route === route)
    if (colds.length === 0) return []
    const cpu = (process: string) =>
      route === 'bare' ? '' : show(figure(colds.map(({ cpuUs }) => cpuUs[process] ?? 0)))
    return [
      [
        route,
        show(figure(colds.map(({ cpuUsTotal }) => cpuUsTotal))),
        cpu('sidecar'),
        cpu('ambassador'),
        route === 'bare' || ratio === undefined ? '' : show(ratio),
        String(colds.reduce((sum, { losses }) => sum + losses, 0)),
      ],
    ]
  })
  const head = ['route', 'CPU µs/call', 'sidecar', 'ambassador', 'in cold bare hops', 'losses']
  return { head, rows }
}

function cancelTable(measured: Measured): Table {
  const rows = cancelSummaries(measured.cancelled).map((row) => [
    pointTitles[row.point],
    String(row.count),
    row.p50Ms.toFixed(1),
    row.p99Ms.toFixed(1),
    row.maxMs.toFixed(1),
    String(row.late),
    row.failed === 0 ? '0' : `${row.failed} (${row.firstProblem})`,
  ])
  const head = ['point', 'cancellations', 'p50 ms', 'p99 ms', 'max ms']
  return { head: [...head, `over ${cancelMsMax} ms`, 'failed'], rows }
}

/** The results as Markdown: verdicts, then the figures they come from. */
export function report(
  environment: Environment,
  measured: Measured,
  skipped: readonly string[],
): string {
  const { commit, isDirty, cpu, cores, node, date, load, repeats, isQuick } = environment
  return `# Results of \`npm run bench\`

Written by the bench; do not edit. Commit ${commit}${isDirty ? ' with changes not in it' : ''} · ${cpu}, \
${cores} cores · Node ${node} · ${date} · load average before the run ${load.join(', ')} · \
both halves bundled from this tree for the run · ${repeats} repeat${repeats === 1 ? '' : 's'}\
${isQuick ? ', quick: indicative only' : ''}.

Mock, load generator and hops share the cores, and whatever else ran on the machine is in the rates
and latencies: CPU per unit is the figure to trust, and the ratio to the bare hop of the same repeat
more than the number. CPU is user and system time of the hops; that of mock and load generator is
not counted. Figures are the median of the repeats, with the least and the greatest in brackets.
Question and unary answer are of the size named; events are 243 bytes. Latency is a call's time, or an
event's from its writing by the mock to its reading. "Half load" is half of the pair's saturated rate
of the repeats so far, the same for every route (400 calls/s where that was not run); calls go out once
a millisecond, and "late" is the p99 of what the generator sent later than planned, which latencies do
not show. "Beginning" is from there to the window: 2 s where calls come at a rate, which opens connections
by the hundred, and 0.3 s or the time that streams are begun over elsewhere. Log lines go to a file at level info. Questions are
counted with o200k_base; a load asks the same one again and again, so its text is known after the first. A sidecar
runs with ${processes.sidecar.nodeFlags.join(' ')}, an ambassador with
${processes.ambassador.nodeFlags.join(' ')}, as shipped; the bare hop with Node's defaults. ${warmthText(measured.warmths)}
${skipped.map((reason) => `\n**Skipped**: ${reason}.\n`).join('')}
${sections(measured)}`
}

const coldText = `The first ${coldCalls} calls of 2 KB after a start, 16 in flight, each repeat with \
new processes; mock and load generator are warm.`

const cancelText = `Applications leave by closing, half-closing (FIN) and resetting their connection \
in turn, over chat, completions and messages, streamed and not, and embeddings. The time is from the
leaving to the FIN or RST at the provider, which says nothing more once the point is reached. While
the body is being sent the provider must not be called at all: there it is the time until the sidecar
has no call in flight, read from its metrics. An answer that is not streamed is "in the hold" with a
part of it come, and "mid-stream" once it is too long to be held.`

function sections(measured: Measured): string {
  const judged = verdicts(measured).map(({ what, target, measured: value, isHit }) => [
    what,
    target,
    value,
    isHit ? 'hit' : '**miss**',
  ])
  return [
    section("Against the design's figures", '', {
      head: ['what', 'target', 'measured', ''],
      rows: judged,
    }),
    section('By load', '', loadTable(measured)),
    section('Start and memory', '', halvesTable(measured)),
    section('Cold', coldText, coldTable(measured)),
    section('Cancelling', cancelText, cancelTable(measured)),
    ...measured.findings.map(({ title, text, table }) => section(title, text, table)),
  ].join('')
}
