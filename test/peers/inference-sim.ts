import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closedPort } from '../pair/harness.ts'

/** A vLLM look-alike that others wrote, running on loopback with one model, `tiny`. */
export interface InferenceSim {
  readonly port: number
  /** The value of a gauge or counter of its /metrics; 0 where it has no sample yet. */
  metric(name: string): Promise<number>
  /** Resolves when metric `name` is `value`; rejects after 30 s, with what it was. */
  whenMetric(name: string, value: number): Promise<void>
  /** Takes `change` into its configuration, for the calls that follow, until undone. */
  configured(change: Readonly<Record<string, unknown>>): Promise<() => Promise<void>>
  close(): Promise<void>
}

const live = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of live) child.kill('SIGKILL')
})

/**
 * Starts the program at `path`, with more words of a command line than those below; resolves when it is
 * healthy. Its port is tried anew where taken.
 */
export async function startInferenceSim(
  path: string,
  more: readonly string[] = [],
): Promise<InferenceSim> {
  for (let tries = 1; ; tries++) {
    const port = await closedPort()
    const started = new Started([path, ...more], port)
    if (await started.isHealthy()) return simulatorOf(started, port)
    await started.close()
    if (tries === 3) throw new Error(`Cannot start ${path}: ${started.output}`)
  }
}

/** Words come slowly enough that a call which is left is still under way. */
const options = [
  ['--model', 'tiny'],
  ['--max-model-len', '4096'],
  ['--inter-token-latency', '20ms'],
  ['--seed', '1'],
  ['--force-dummy-tokenizer'],
  ['--enable-request-id-headers'],
].flat()

/** What `configured` changes, as it is at the start. */
const calm = { 'failure-injection-rate': 0, 'time-to-first-token': '0s' }

class Started {
  output = ''
  readonly port: number
  readonly #child: ChildProcess
  #hasEnded = false

  constructor([path = '', ...more]: readonly string[], port: number) {
    this.port = port
    this.#child = spawn(path, [...options, ...more, '--port', String(port)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // It does not start without one.
      env: { ...process.env, POD_IP: '127.0.0.1' },
    })
    live.add(this.#child)
    this.#child.once('close', () => {
      this.#hasEnded = true
      live.delete(this.#child)
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.output += chunk
      })
    }
  }

  /** Whether it comes to answer; false where it ends instead, or 60 s pass. */
  async isHealthy(): Promise<boolean> {
    const signal = AbortSignal.timeout(60_000)
    while (!this.#hasEnded && !signal.aborted) {
      try {
        const answer = await fetch(`http://127.0.0.1:${this.port}/health`, { signal })
        await answer.text()
        if (answer.ok && this.output.includes(`port=${this.port}`)) return true
      } catch {
        // It does not listen yet.
      }
    }
    return false
  }

  async close(): Promise<void> {
    if (this.#hasEnded) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }
}

function simulatorOf(started: Started, port: number): InferenceSim {
  const base = `http://127.0.0.1:${port}`
  const metric = async (name: string) => {
    const answer = await fetch(`${base}/metrics`)
    return sumOf(await answer.text(), name)
  }
  const whenMetric = async (name: string, value: number) => {
    const deadlineMs = performance.now() + 30_000
    let last = await metric(name)
    while (last !== value) {
      if (performance.now() > deadlineMs) throw new Error(`${name} is ${last}, not ${value}`)
      last = await metric(name)
    }
  }
  const configure = async (change: object) => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(change)
    const answer = await fetch(`${base}/admin/config`, { method: 'POST', headers, body })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`Cannot configure the simulator: ${text}`)
  }
  const configured = async (change: Readonly<Record<string, unknown>>) => {
    await configure(change)
    return () => configure(calm)
  }
  return { port, metric, whenMetric, configured, close: () => started.close() }
}

/** All samples of one metric, added up. */
function sumOf(page: string, name: string): number {
  const samples = page.split('\n').filter((line) => line.split(/[{ ]/, 1)[0] === name)
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
