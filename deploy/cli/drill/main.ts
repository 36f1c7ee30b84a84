import { systemClock } from '#shared/call/clock.ts'
import { type DrillArguments, drillList, readDrillArguments } from './arguments.ts'
import { reportOf, shownReport } from './report.ts'
import { runDrill } from './run-drill.ts'

/** Ends the process with the status that shells use for wrong usage. */
function refuse(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`outrigger: ${message}\n\n${drillList()}`)
  process.exit(2)
}

function readArguments(): DrillArguments | undefined {
  try {
    return readDrillArguments(process.argv.slice(2))
  } catch (error) {
    return refuse(error)
  }
}

const asked = readArguments()
if (asked === undefined) {
  process.stdout.write(drillList())
  process.exit(0)
}

let kill = () => {}
process.on('exit', () => kill())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => process.exit(130))
}

try {
  const facts = await runDrill({
    asked,
    clock: systemClock,
    environment: process.env,
    say: (text) => process.stderr.write(`outrigger: ${text}\n`),
    onMade: (made) => {
      kill = made
    },
  })
  const report = reportOf(facts)
  process.stdout.write(asked.isJson ? `${JSON.stringify(report, null, 2)}\n` : shownReport(report))
  process.exit(report.isKept ? 0 : 1)
} catch (error) {
  process.stderr.write(`outrigger: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(2)
}
