import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'

export const root = resolve(import.meta.dirname, '..', '..')

/** For a busy machine, and below what the runner gives a test. */
const patienceMs = 60_000

/** Text that a process writes, and waiting for a part of it. */
export class Output {
  text = ''
  readonly #stream: Readable

  constructor(stream: Readable) {
    this.#stream = stream
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      this.text += chunk
    })
  }

  /** Resolves when `pattern` is there; rejects where the text ends, or a minute passes, without it. */
  async until(pattern: RegExp): Promise<void> {
    const signal = AbortSignal.timeout(patienceMs)
    const ended = once(this.#stream, 'end', { signal })
    ended.catch(() => {
      // Only one of the two ways of ending is looked at.
    })
    while (!pattern.test(this.text)) {
      if (this.#stream.readableEnded) throw new Error(`No ${pattern} in: ${this.text}`)
      await Promise.race([once(this.#stream, 'data', { signal }), ended])
    }
  }
}

/** A launcher in a process of its own. */
export interface LocalSystem {
  readonly port: number
  readonly process: ChildProcess
  readonly out: Output
  readonly log: Output
  /** The exit code, when it has ended. */
  readonly ended: Promise<number | null>
}

/** What a launcher is given besides its port. */
export interface LaunchInput {
  readonly args?: readonly string[]
  /** Where it puts its own files. */
  readonly directory?: string
  /** Variables besides this process's own, of which it gets no provider's key. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts `deploy/local/main.ts` with `--port`; it may not be ready yet. */
export function launch(port: number, input: LaunchInput = {}): LocalSystem {
  const { args = [], directory, environment: added } = input
  const entry = resolve(root, 'deploy', 'local', 'main.ts')
  const { OPENAI_API_KEY: _o, ANTHROPIC_API_KEY: _a, ...environment } = process.env
  const child = spawn(process.execPath, [entry, '--port', String(port), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment, ...(directory === undefined ? {} : { TMPDIR: directory }), ...added },
  })
  const ended = new Promise<number | null>((settle) => child.once('close', settle))
  const out = new Output(child.stdout)
  return { port, process: child, out, log: new Output(child.stderr), ended }
}

/** A running system on ports that nobody uses: tries others where somebody does. */
export async function launchReady(input: LaunchInput = {}): Promise<LocalSystem> {
  for (let tries = 1; ; tries++) {
    const system = launch(randomPort(), input)
    try {
      await system.out.until(/Ctrl-C ends it/)
      return system
    } catch (error) {
      system.process.kill('SIGKILL')
      if (tries === 3 || !system.log.text.includes('Cannot listen')) throw error
    }
  }
}

/** Below the ports that systems give to clients (32,768 on Linux), in steps of a whole system. */
export function randomPort(): number {
  return 10_000 + 400 * Math.floor(Math.random() * 50)
}

/** The process ids that the banner names, by what they are called there. */
export function pidsOf({ out }: LocalSystem): Map<string, number> {
  const rows = out.text.matchAll(/(\S+) +http:\S+ +pid (\d+)$/gm)
  return new Map(Array.from(rows, ([, name = '', pid]) => [name, Number(pid)]))
}

/** A request that the banner prints as a `curl`. */
export interface PrintedCall {
  readonly url: string
  readonly body: string
}

/** The calls of the banner, in its order. */
export function printedCalls({ out }: LocalSystem): PrintedCall[] {
  const calls = out.text.matchAll(
    /curl -N (\S+)[^']*'content-type: application\/json'.*?-d '(.*?)'$/gms,
  )
  return Array.from(calls, ([, url = '', body = '']) => ({ url, body }))
}

/** Sends `body` as JSON, with what Anthropic's dialect asks for. */
export function post(url: string, body: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
  return fetch(url, { method: 'POST', body, headers })
}

/** Resolves when nothing listens on `port` any more; rejects after a minute. */
export async function untilRefused(port: number): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs)
  while (true) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { signal })
      await answer.text()
    } catch (error) {
      if (signal.aborted) throw error
      return
    }
  }
}

/** Asks until the answer has `status`; rejects after a minute. */
export async function untilStatus(status: number, url: string, body: string): Promise<void> {
  const deadlineMs = performance.now() + patienceMs
  let last = 0
  while (performance.now() < deadlineMs) {
    const answer = await post(url, body)
    await answer.text()
    last = answer.status
    if (last === status) return
  }
  throw new Error(`No ${status} from ${url}, but ${last}`)
}
