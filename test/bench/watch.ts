import { Agent, get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { cpuMs, memory, starvedMs } from './cpu.ts'
import type { Half } from './processes.ts'

/** What was seen of one half over some time. */
export interface Seen {
  readonly name: string
  readonly cpuMs: number
  /** Of the time that was watched, the share in which it could have run and no core was free. */
  readonly starvedShare: number
  /** The most, of the samples. */
  readonly anonymousMB: number
  readonly rssMB: number
  /** Answers to its liveness probe: the longest is about the longest stall of its event loop. */
  readonly probeP50Ms: number
  readonly probeP99Ms: number
  readonly probeMaxMs: number
}

/** Reading a process's memory takes its lock for a moment: not more often than this, in ms. */
const memoryEveryMs = 200
/** Between two probes of a half, in ms: a stall of less than that may pass unseen. */
const probeEveryMs = 10

/** Watches one half from outside until it is closed. */
export class Watch {
  readonly #half: Half
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #timer: NodeJS.Timeout
  #isClosed = false
  #probesMs: number[] = []
  #cpuMs: number
  #starvedMs: number
  #sinceMs = performance.now()
  #anonymousMB = 0
  #rssMB = 0

  constructor(half: Half) {
    this.#half = half
    this.#cpuMs = cpuMs(half.pid)
    this.#starvedMs = starvedMs(half.pid)
    this.#timer = setInterval(() => this.#sample(), memoryEveryMs)
    this.#sample()
    void this.#probe()
  }

  /** What was seen since the last time. */
  take(): Seen {
    this.#sample()
    const sorted = this.#probesMs.toSorted((one, other) => one - other)
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
    const nowCpuMs = cpuMs(this.#half.pid)
    const nowStarvedMs = starvedMs(this.#half.pid)
    const nowMs = performance.now()
    const seen: Seen = {
      name: this.#half.name,
      cpuMs: nowCpuMs - this.#cpuMs,
      starvedShare: (nowStarvedMs - this.#starvedMs) / (nowMs - this.#sinceMs),
      anonymousMB: this.#anonymousMB,
      rssMB: this.#rssMB,
      probeP50Ms: at(0.5),
      probeP99Ms: at(0.99),
      probeMaxMs: at(1),
    }
    this.#cpuMs = nowCpuMs
    this.#starvedMs = nowStarvedMs
    this.#sinceMs = nowMs
    this.#probesMs = []
    this.#anonymousMB = 0
    this.#rssMB = 0
    return seen
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#agent.destroy()
  }

  #sample(): void {
    const { rssMB, anonymousMB } = memory(this.#half.pid)
    this.#rssMB = Math.max(this.#rssMB, rssMB)
    this.#anonymousMB = Math.max(this.#anonymousMB, anonymousMB)
  }

  async #probe(): Promise<void> {
    while (!this.#isClosed) {
      const askedMs = performance.now()
      await readPage(this.#half, '/livez', this.#agent).catch(() => '')
      if (!this.#isClosed) this.#probesMs.push(performance.now() - askedMs)
      await wait(probeEveryMs)
    }
  }
}

/** A page of a half's probes port. */
export function readPage({ probesPort }: Half, path: string, agent?: Agent): Promise<string> {
  const asked = Promise.withResolvers<string>()
  const request = get({ host: '127.0.0.1', port: probesPort, path, agent }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
    })
    response.once('end', () => asked.resolve(text))
    response.once('error', asked.reject)
  })
  request.once('error', asked.reject)
  return asked.promise
}

/** The sum of a metric's rows. */
export async function metricOf(half: Half, name: string): Promise<number> {
  const text = await readPage(half, '/metrics')
  const rows = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))]
  return rows.reduce((sum, [, value]) => sum + Number(value), 0)
}

/** Waits until `isSo`, looking every so often; gives how long it took, in ms. Throws when late. */
export async function until(
  isSo: () => Promise<boolean>,
  what: string,
  msMax: number,
): Promise<number> {
  const startedMs = performance.now()
  while (!(await isSo())) {
    if (performance.now() - startedMs > msMax) throw new Error(`Cannot go on: not ${what}`)
    await wait(20)
  }
  return performance.now() - startedMs
}
