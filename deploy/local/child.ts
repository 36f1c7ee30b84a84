import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Clock, Undo } from '#shared/call/clock.ts'
import type { Environment } from '#shared/config/secrets.ts'
import { readEntry } from './lines.ts'

/** One process of the local system. */
export interface ChildSpec {
  readonly name: string
  /** Variables of the environment that are none of its business. */
  readonly withheld: readonly string[]
  /** Variables besides. */
  readonly added?: Environment
  /** Node's own, before the entry. */
  readonly nodeFlags?: readonly string[]
  /** Path of its `main.ts`. */
  readonly entry: string
  readonly args: readonly string[]
}

/** What children need from their launcher. */
export interface ChildParts {
  readonly environment: Environment
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** Each line that a child writes, without its line feed. */
  readonly onLine: (name: string, line: string) => void
  readonly report: (level: 'info' | 'warn', text: string) => void
}

/** Starting takes 0.3 s on an idle machine; one that does much else has taken over 15 s. */
const readyMsMax = 60_000
/** Above the grace that a local file would set; a child that still runs then hangs. */
const stopMsMax = 90_000
/**
 * A child that dies is started again after 1, 2, 4 … 30 s, and after 1 s where it had lived for a
 * minute: that is five times a minute at most.
 */
const restartMsMin = 1_000
const restartMsMax = 30_000
const healthyMs = 60_000

/** A process that is kept running until it is told to stop. */
export class Child {
  readonly spec: ChildSpec
  readonly #parts: ChildParts
  #process: ChildProcess | undefined
  #lastWords = ''
  #deaths = 0
  #startedMs = 0
  #isStopping = false
  #undoRestart: Undo = () => {}

  constructor(spec: ChildSpec, parts: ChildParts) {
    this.spec = spec
    this.#parts = parts
  }

  /** The process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts it for the first time. Rejects where it ends, or says nothing, instead of being ready. */
  async start(): Promise<void> {
    const process = this.#spawn()
    const undo: Undo[] = []
    try {
      await new Promise<void>((resolve, reject) => {
        const { name } = this.spec
        const fail = (state: string) => reject(new Error(`Cannot start ${name}: ${state}`))
        const limit = () => fail(`it was not ready within ${readyMsMax / 1_000} s`)
        undo.push(this.#parts.clock.after(readyMsMax, limit))
        process.ready.then(resolve, () => fail(this.#lastWords || 'it ended at once'))
      })
    } catch (error) {
      this.kill()
      throw error
    } finally {
      for (const one of undo) one()
    }
    void process.ended.then((how) => this.#died(how))
  }

  /** Asks it to end and resolves when it has; after 90 s it is killed. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#undoRestart()
    const process = this.#process
    if (process === undefined) return
    const undo = this.#parts.clock.after(stopMsMax, () => this.kill())
    const ended = new Promise<void>((resolve) => process.once('close', () => resolve()))
    process.kill('SIGTERM')
    await ended
    undo()
  }

  /** Ends it and all that it started, at once. Synchronous: the launcher's own exit calls it. */
  kill(): void {
    this.#isStopping = true
    this.#undoRestart()
    const pid = this.#process?.pid
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // ESRCH: it ended by itself in between.
    }
  }

  #spawn(): { ready: Promise<void>; ended: Promise<string> } {
    const { spec, onLine, environment } = { ...this.#parts, spec: this.spec }
    this.#startedMs = this.#parts.clock.now()
    const args = [...(spec.nodeFlags ?? []), spec.entry, ...spec.args]
    const child = spawn(process.execPath, args, {
      // A group of its own: Ctrl-C of the terminal reaches the launcher, which keeps the order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...without(environment, spec.withheld), ...spec.added },
    })
    this.#process = child
    const guard = startGuard(child.pid)
    let isReady: () => void = () => {}
    let isOver: () => void = () => {}
    const ready = new Promise<void>((resolve, reject) => {
      isReady = resolve
      isOver = () => reject(new Error('ended'))
    })
    ready.catch(() => {
      // Whoever waits for it is told; a restart does not wait.
    })
    const line = (text: string, isError: boolean) => {
      const entry = readEntry(text)
      if (entry?.['msg'] === 'ready' || entry?.['ready'] === true) isReady()
      const words = entry?.['level'] === 'error' ? String(entry['error'] ?? entry['msg']) : text
      if (isError || entry?.['level'] === 'error') this.#lastWords = words
      onLine(spec.name, text)
    }
    eachLine(child.stdout, (text) => line(text, false))
    eachLine(child.stderr, (text) => line(text, true))
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => {
        this.#lastWords = error.message
      })
      child.once('close', (code, signal) => {
        this.#process = undefined
        guard()
        isOver()
        resolve(signal ?? `code ${code}`)
      })
    })
    return { ready, ended }
  }

  #died(how: string): void {
    if (this.#isStopping) return
    const { clock, report } = this.#parts
    if (clock.now() - this.#startedMs >= healthyMs) this.#deaths = 0
    const waitMs = Math.min(restartMsMin * 2 ** this.#deaths, restartMsMax)
    this.#deaths += 1
    const words = this.#lastWords === '' ? '' : `: ${this.#lastWords}`
    report('warn', `${this.spec.name} ended (${how})${words}; starting it in ${waitMs / 1_000} s`)
    this.#undoRestart = clock.after(waitMs, () => {
      const again = this.#spawn()
      again.ready.then(
        () => report('info', `${this.spec.name} is back, pid ${this.pid}`),
        () => {
          // Its end is reported below.
        },
      )
      void again.ended.then((how) => this.#died(how))
    })
  }
}

/**
 * A shell that reads from a pipe which only this process holds, and ends the group when the pipe
 * does: so also where this process is killed and no handler of its own runs. Undone by the
 * function returned.
 */
function startGuard(pid: number | undefined): Undo {
  if (pid === undefined) return () => {}
  const guard = spawn('/bin/sh', ['-c', 'read -r _; kill -s KILL -- "-$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.on('error', () => {
    // No shell: the exit handler alone has to do.
  })
  guard.stdin.on('error', () => {
    // The guard is gone; nothing is ever written to it.
  })
  return () => void guard.kill('SIGKILL')
}

function eachLine(input: Readable, action: (line: string) => void): void {
  createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }).on('line', action)
}

function without(environment: Environment, withheld: readonly string[]): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !withheld.includes(name)),
  )
}
