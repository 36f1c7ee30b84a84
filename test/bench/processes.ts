import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import * as v from 'valibot'
import { processes } from '#deploy/image/processes.ts'
import { cpuMs } from './cpu.ts'
import { type Order, portSchema, type Reply, replySchema } from './messages.ts'

const here = import.meta.dirname

/** A process under measurement or around it. */
export interface Process {
  readonly name: string
  readonly pid: number
  readonly port: number
  end(): Promise<void>
}

/** What a half prints when it listens: the way it tells its ports. */
const readyLine = v.object({
  msg: v.literal('ready'),
  port: v.number(),
  probesPort: v.number(),
})

export interface Half extends Process {
  readonly name: 'sidecar' | 'ambassador'
  /** Where its metrics are. */
  readonly probesPort: number
  /** From the start of the process to its first `ready`. */
  readonly readyMs: number
  readonly readyCpuMs: number
}

/** For a child without a channel whose end would tell it that the bench has gone. */
export function endWithThisProcess(child: ChildProcess): void {
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Starts a process of the bench itself, which says its port first. */
export async function startOwn(name: string, args: readonly string[] = []) {
  const child = fork(join(here, `${name}.ts`), [...args], { stdio: ['ignore', 2, 2, 'ipc'] })
  const [message]: unknown[] = await once(child, 'message')
  const { port } = v.parse(portSchema, message)
  const process: Process = {
    name,
    pid: child.pid ?? 0,
    port,
    async end() {
      child.kill('SIGKILL')
      await ended(child)
    },
  }
  return { child, process }
}

export async function startMock(): Promise<Process> {
  return (await startOwn('mock')).process
}

export async function startBareHop(upstreamPort: number): Promise<Process> {
  return (await startOwn('bare-hop', [String(upstreamPort)])).process
}

export interface LoadProcess {
  /** Sends an order; every one but `begin` is answered. */
  begin(order: Order): void
  ask(order: Order): Promise<Reply>
  end(): Promise<void>
}

export async function startLoad(): Promise<LoadProcess> {
  const { child, process } = await startOwn('load')
  return {
    begin: (order) => void child.send(order),
    async ask(order) {
      const answer = once(child, 'message')
      child.send(order)
      const [message]: unknown[] = await answer
      return v.parse(replySchema, message)
    },
    end: () => process.end(),
  }
}

export interface HalfOptions {
  readonly half: 'sidecar' | 'ambassador'
  /** Directory of the bundles. */
  readonly built: string
  readonly config: string
  /** Its standard output: access lines are written as in production. */
  readonly logFile: string
  /** Whose ambassador it is. */
  readonly provider?: string
  readonly nodeArgs?: readonly string[]
}

/** The longest start that is still a start, in ms. */
const readyMsMax = 10_000

/** Starts one half and waits until it says that it is ready. Throws with its log otherwise. */
export async function startHalf(options: HalfOptions): Promise<Half> {
  const { half, built, config, logFile } = options
  const log = openSync(logFile, 'w')
  const nodeArgs = [...processes[half].nodeFlags, ...(options.nodeArgs ?? [])]
  const args = [
    join(built, half, 'main.js'),
    '--config',
    config,
    '--port',
    '0',
    '--probes-port',
    '0',
  ]
  args.push('--admin-port', '0', '--host', '127.0.0.1', '--probes-host', '127.0.0.1')
  if (half === 'ambassador') args.push('--provider', options.provider ?? 'bench')
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...nodeArgs, ...args], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'], BENCH_SECRET: 'a-secret-of-the-bench', BENCH_KEY: 'key' },
  })
  closeSync(log)
  endWithThisProcess(child)
  const pid = child.pid ?? 0
  let ports = readyPorts(logFile)
  while (ports === undefined) {
    await wait(2)
    ports = readyPorts(logFile)
    const isOver = child.exitCode !== null || performance.now() - startedMs > readyMsMax
    if (ports === undefined && isOver) {
      child.kill('SIGKILL')
      throw new Error(`Cannot start ${half}: ${readFileSync(logFile, 'utf8').slice(0, 2_000)}`)
    }
  }
  const readyMs = performance.now() - startedMs
  return {
    name: half,
    pid,
    port: ports.port,
    probesPort: ports.probesPort,
    readyMs,
    readyCpuMs: cpuMs(pid),
    async end() {
      // A profiled process writes its profile on an orderly exit only.
      child.kill(options.nodeArgs === undefined ? 'SIGKILL' : 'SIGTERM')
      await ended(child)
    },
  }
}

function readyPorts(logFile: string): v.InferOutput<typeof readyLine> | undefined {
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    if (!line.includes('"ready"')) continue
    const parsed = v.safeParse(readyLine, JSON.parse(line))
    if (parsed.success) return parsed.output
  }
  return undefined
}
