import { systemClock } from '#shared/call/clock.ts'
import { asksForHelp, localHelp, readLocalArguments } from './arguments.ts'
import { Launcher } from './launch.ts'
import { showOwn } from './lines.ts'

const isTerminal = process.stderr.isTTY === true
const hasColour = isTerminal && (process.env['NO_COLOR'] ?? '') === ''

/** Ends the process with a message in one line. */
function fail(error: unknown): never {
  const text = error instanceof Error ? error.message : 'Cannot start'
  process.stderr.write(showOwn('error', text, { isTerminal, hasColour, isVerbose: false }))
  process.exit(1)
}

async function main(): Promise<void> {
  const words = process.argv.slice(2)
  if (asksForHelp(words)) {
    process.stdout.write(localHelp)
    return
  }
  // npm changes into the package's directory; a path is meant from where the user stands.
  const directory = process.env['INIT_CWD'] ?? process.cwd()
  const settings = readLocalArguments(words, directory)
  const launcher = new Launcher({
    settings,
    environment: process.env,
    clock: systemClock,
    style: { isTerminal, hasColour, isVerbose: settings.isVerbose },
    show: (text) => process.stderr.write(text),
  })
  // Whatever ends this process, also a programmer's error: nothing stays behind.
  process.on('exit', () => launcher.kill())
  let isStopping = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(0)
      isStopping = true
      void launcher.stop().then(() => process.exit(0))
    })
  }
  try {
    process.stdout.write(await launcher.start())
  } catch (error) {
    if (!isStopping) fail(error)
  }
}

await main().catch(fail)
