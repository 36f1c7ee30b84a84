import { exits } from '#deploy/cli/terminal/failure.ts'
import { failureText, replay } from './replay.ts'

// A reader that has seen enough (`| head`) closes the pipe: that is no failure.
process.stdout.on('error', () => process.exit())

try {
  replay(process.argv.slice(2), {
    write: (text) => void process.stdout.write(text),
    tell: (text) => void process.stderr.write(text),
  })
} catch (error) {
  const text = failureText(error)
  if (text === undefined) throw error
  process.stderr.write(text)
  process.exitCode = exits.usage
}
