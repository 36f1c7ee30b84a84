#!/usr/bin/env node
import { text } from 'node:stream/consumers'
import { systemClock } from '#shared/call/clock.ts'
import { commands } from './commands.ts'
import { run } from './run.ts'

// A reader that has seen enough (`| head`) closes the pipe: that is no failure.
process.stdout.on('error', () => process.exit())

const [first] = process.argv.slice(2)
if (first === 'count') {
  process.argv.splice(2, 1)
  await import('./count.ts')
} else {
  const { stdout, stderr, stdin, env } = process
  process.exitCode = await run(process.argv.slice(2), commands, {
    write: (output) => void stdout.write(output),
    tell: (message) => void stderr.write(message),
    input: () => text(stdin),
    isColoured: stdout.isTTY && (env['NO_COLOR'] ?? '') === '',
    environment: env,
    clock: systemClock,
  })
}
