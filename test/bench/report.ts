import type { Environment } from './environment.ts'
import type { Cell } from './measure.ts'
import { scenarios } from './scenarios.ts'
import { figure, show } from './statistics.ts'
import { inBareHops, type Measured, verdicts } from './targets.ts'

const routeNames = ['direct', 'bare', 'pair', 'nginx'] as const

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
  return `${lines.join('\n')}\n`
}

function median(cells: readonly Cell[], pick: (cell: Cell) => number): string {
  return show(figure(cells.map(pick)))
}

function rowOf(measured: Measured, title: string, cells: readonly Cell[], name: string) {
  const [first] = cells
  if (first === undefined) return []
  const cpu = (process: string) =>
    first.cpuUs[process] === undefined ? '' : median(cells, (cell) => cell.cpuUs[process] ?? 0)
  const hops = first.route === 'pair' ? inBareHops(measured, name) : undefined
  return [
    [
      title,
      first.route,
      first.route === 'direct' ? '' : median(cells, (cell) => cell.cpuUsTotal),
      cpu('sidecar'),
      cpu('ambassador'),
      hops === undefined ? '' : show(hops),
      median(cells, (cell) => cell.unitsPerSecond),
      median(cells, (cell) => cell.latency.p50Ms),
      median(cells, (cell) => cell.latency.p99Ms),
      String(Math.round(Math.max(...cells.map((cell) => cell.latency.maxMs)))),
      String(cells.reduce((sum, cell) => sum + cell.total.losses, 0)),
    ],
  ]
}

function loadTable(measured: Measured): string {
  const rows = scenarios.flatMap(({ name, title, unit }) =>
    routeNames.flatMap((route) => {
      const cells = (measured.cells.get(name) ?? []).filter((cell) => cell.route === route)
      return rowOf(measured, `${title} (per ${unit})`, cells, name)
    }),
  )
  const head = ['load', 'route', 'CPU µs/unit', 'sidecar', 'ambassador', 'in bare hops']
  return table([...head, 'units/s', 'p50 ms', 'p99 ms', 'max ms', 'losses'], rows)
}

function halvesTable(measured: Measured): string {
  const rows = (['sidecar', 'ambassador'] as const).flatMap((half) => {
    const starts = measured.starts.filter((start) => start.half === half)
    if (starts.length === 0) return []
    const pairs = [...measured.cells.values()].flat().filter(({ route }) => route === 'pair')
    const loaded = pairs.map((cell) => cell.memory[half]?.anonymousMB ?? 0)
    return [
      [
        half,
        show(figure(starts.map(({ cpuMs }) => cpuMs))),
        show(figure(starts.map(({ wallMs }) => wallMs))),
        show(figure(starts.map(({ idle }) => idle.anonymousMB))),
        show(figure(starts.map(({ idle }) => idle.rssMB))),
        loaded.length === 0 ? '' : Math.max(...loaded).toFixed(1),
      ],
    ]
  })
  const head = ['half', 'ready: CPU ms', 'ready: wall ms', 'idle anonymous MB', 'idle RSS MB']
  return table([...head, 'most anonymous MB at the end of a window'], rows)
}

/** The results as Markdown: verdicts, then the figures they come from. */
export function report(
  environment: Environment,
  measured: Measured,
  skipped: readonly string[],
): string {
  const { commit, isDirty, cpu, cores, node, date, load, repeats, isQuick } = environment
  const judged = verdicts(measured).map(({ what, target, measured: value, isHit }) => [
    what,
    target,
    value,
    isHit ? 'hit' : '**miss**',
  ])
  return `# Results of \`npm run bench\`

Written by the bench; do not edit. Commit ${commit}${isDirty ? ' with changes not in it' : ''} · ${cpu}, \
${cores} cores · Node ${node} · ${date} · load average before the run ${load.join(', ')} · \
halves run from ${environment.halvesFrom} · ${repeats} repeat${repeats === 1 ? '' : 's'}\
${isQuick ? ', quick: indicative only' : ''}.

Mock, load generator and hops share the cores, and whatever else ran on the machine is in the rates
and latencies: CPU per unit is the figure to trust, and the ratio to the bare hop of the same repeat
more than the number. CPU is user and system time of the hops; that of mock and load generator is
not counted. Figures are the median of the repeats, with the least and the greatest in brackets.
Question and unary answer are of the size named; events are 243 bytes. Latency is a call's time, or an
event's from its writing by the mock to its reading. "Half load" is half of the pair's saturated rate
of the same repeat, the same for every route. Log lines go to a file at level info.
${skipped.map((reason) => `\n**Skipped**: ${reason}.\n`).join('')}
## Against the design's figures

${table(['what', 'target', 'measured', ''], judged)}
## By load

${loadTable(measured)}
## Start and memory

${halvesTable(measured)}`
}
