import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { killOnExit } from '../cluster/kill-on-exit.ts'

const execute = promisify(execFile)
const toolLimitMs = 120_000

/** A program of the node and what it is started with. */
export interface DaemonParts {
  readonly path: string
  readonly args: readonly string[]
  /** Where its output goes. */
  readonly log: string
  readonly environment: NodeJS.ProcessEnv
}

/** Starts what runs until this process ends; what it says of an early end is in its log. */
export function startDaemon({ path, args, log, environment }: DaemonParts): void {
  const file = openSync(log, 'a')
  const child = spawn(path, args, { stdio: ['ignore', file, file], env: environment })
  closeSync(file)
  child.once('error', (error) => process.stderr.write(`${path}: ${error.message}\n`))
  killOnExit(child)
}

/** What a program of the node writes to its standard output. */
export async function ask(
  path: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { stdout } = await execute(path, [...args], { env: environment, timeout: toolLimitMs })
  return stdout
}
