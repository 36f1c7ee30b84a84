import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { killOnExit } from '../kill-on-exit.ts'
import type { ContainerStart, Running } from './container.ts'

/** A real process in a container's place. */
export interface ContainerProcess extends Running {
  readonly pid: number
  /** What it has written so far, both outputs, line by line. */
  readonly lines: readonly string[]
}

const linesMax = 10_000

/**
 * Starts `program` in the pod's own network, where its loopback and its ports are nobody else's and
 * the pod's address is the only one.
 */
export async function startInPod(
  start: ContainerStart,
  program: string,
  args: readonly string[],
): Promise<ContainerProcess> {
  const network = await start.sandbox.path()
  // It replaces itself by the program, so that signals meet that.
  return startProcess(start, 'nsenter', [`--net=${network}`, program, ...args])
}

/**
 * Starts `program` with `args` and the container's variables, in the suite's network: loopback is
 * every pod's. It is probed at the pod's address, so it has to listen there.
 */
export function startProcess(
  start: ContainerStart,
  program: string,
  args: readonly string[],
): ContainerProcess {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...start.environment },
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (lines.length < linesMax) lines.push(line)
    })
  }
  const { promise: exited, resolve } = Promise.withResolvers<number>()
  child.once('error', (error) => {
    lines.push(String(error))
    resolve(127)
  })
  // As a shell and kubelet count: 128 and the signal, of which only these two are sent here.
  child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)))
  killOnExit(child)
  const signal = (name: 'SIGTERM' | 'SIGKILL') => {
    child.kill(name)
  }
  return { exited, signal, isProbed: true, pid: child.pid ?? -1, lines }
}
