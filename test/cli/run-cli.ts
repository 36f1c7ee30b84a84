import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startable } from '#test/built.ts'

const entry = join(import.meta.dirname, '..', '..', 'deploy', 'cli', 'main.ts')

export interface Ran {
  readonly exit: number | null
  readonly out: string
  readonly told: string
}

export interface RunOptions {
  readonly input?: string
  readonly environment?: NodeJS.ProcessEnv
}

/** `outrigger …` as a process of its own; no cluster can be found but by `environment`. */
export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { input = '', environment = {} } = options
  const main = startable('cli', entry)
  const child = spawn(process.execPath, [main.path, ...args], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...main.environment, ...environment },
    timeout: 60_000,
  })
  child.stdin.end(input)
  const [out, told] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { exit: child.exitCode, out, told }
}
