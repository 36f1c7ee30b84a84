import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'
import { killOnExit } from '../kill-on-exit.ts'
import { until } from '../until.ts'
import type { ComponentName } from './programs.ts'

export interface ComponentParts {
  readonly name: ComponentName
  readonly path: string
  /** Where its output goes, appended. */
  readonly log: string
  /** Answers 200 once the component can be used. */
  readonly health: string
  readonly ca: string
}

const startLimitMs = 90_000
const stopLimitMs = 10_000

/** What can be done to a component while tests run; each is done once the promise resolves. */
export interface Switches {
  /** Starts it where it does not run, wakes it where it is frozen; resolves once it is healthy. */
  start(): Promise<void>
  /** SIGTERM, and SIGKILL after 10 s. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGSTOP: connections are accepted by the kernel and never answered. */
  freeze(): Promise<void>
  /** SIGCONT. */
  thaw(): Promise<void>
}

/** One process of the control plane. */
export class Component implements Switches {
  readonly #parts: ComponentParts
  /** Read at each start, since flags change with a signing key. */
  readonly #flags: () => readonly string[]
  #child: ChildProcess | undefined
  #spawnedMs = Number.NEGATIVE_INFINITY
  /** Since when it answers, as {@link Component.start} has seen; infinite before that. */
  #steadyMs = Number.POSITIVE_INFINITY

  constructor(parts: ComponentParts, flags: () => readonly string[]) {
    this.#parts = parts
    this.#flags = flags
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(): Promise<void> {
    this.#child?.kill('SIGCONT')
    this.#child ??= this.#spawn()
    const { name, health, ca } = this.#parts
    await until(`${name} healthy`, startLimitMs, async () => {
      if (this.#child === undefined) return 'ended'
      return (await statusOf(health, ca)) === 200 && 'healthy'
    })
    if (this.#child === undefined) throw new Error(`Cannot start ${name}: ${this.#lastLines()}`)
    if (this.#steadyMs === Number.POSITIVE_INFINITY) this.#steadyMs = performance.now()
  }

  /**
   * {@link Component.start}, of a new process where the one that runs saw `server` away: each of its
   * watches then waits, 0.8 s at first, twice as long after each failure, 60 s in the end, and forgets
   * that only after two good minutes. A new one sees everything at once.
   * https://github.com/kubernetes/client-go/blob/v0.36.3/tools/cache/reflector.go#L57
   */
  async startAfter(server: Component): Promise<void> {
    if (this.#spawnedMs < server.#steadyMs) await this.kill()
    await this.start()
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
    await this.#end('SIGTERM')
    clearTimeout(timer)
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async freeze(): Promise<void> {
    this.#steadyMs = Number.POSITIVE_INFINITY
    this.#child?.kill('SIGSTOP')
  }

  async thaw(): Promise<void> {
    this.#child?.kill('SIGCONT')
  }

  #spawn(): ChildProcess {
    const { name, path, log } = this.#parts
    const file = openSync(log, 'a')
    const child = spawn(path, this.#flags(), { argv0: name, stdio: ['ignore', file, file] })
    closeSync(file)
    killOnExit(child)
    this.#spawnedMs = performance.now()
    this.#steadyMs = Number.POSITIVE_INFINITY
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    child.once('error', () => {
      if (this.#child === child) this.#child = undefined
    })
    return child
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill(signal)
    child.kill('SIGCONT')
    await ended
  }

  #lastLines(): string {
    return readFileSync(this.#parts.log, 'utf8').trim().split('\n').slice(-5).join('\n')
  }
}

function statusOf(url: string, ca: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const options = { ca, agent: false, signal: AbortSignal.timeout(5_000) }
  const call = url.startsWith('https:') ? getSecure(url, options) : getPlain(url, options)
  call.once('error', reject).once('response', (answer) => {
    answer.resume()
    resolve(answer.statusCode)
  })
  return promise
}
