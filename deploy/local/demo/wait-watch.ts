import type { Clock, Undo } from '#shared/call/clock.ts'
import { isMap } from '#shared/config/problems.ts'

/** One ambassador that is asked. */
export interface WatchedAmbassador {
  readonly provider: string
  readonly port: number
}

/** Two looks a second tell of every wait that a person would notice. */
const lookMs = 500
const askMsMax = 2_000

/** Asks ambassadors how many calls wait for room, and tells when that begins and when it is over. */
export class WaitWatch {
  readonly #clock: Pick<Clock, 'after'>
  readonly #report: (text: string) => void
  readonly #mostWaiting = new Map<string, number>()
  #undo: Undo = () => {}
  #isStopped = false

  constructor(clock: Pick<Clock, 'after'>, report: (text: string) => void) {
    this.#clock = clock
    this.#report = report
  }

  /** Looks until `stop`; `ambassadors` gives whom, each time. */
  start(ambassadors: () => readonly WatchedAmbassador[]): void {
    this.#undo = this.#clock.after(lookMs, () => void this.#lookAt(ambassadors))
  }

  stop(): void {
    this.#isStopped = true
    this.#undo()
  }

  async #lookAt(ambassadors: () => readonly WatchedAmbassador[]): Promise<void> {
    await Promise.all(ambassadors().map((one) => this.#look(one)))
    if (!this.#isStopped) this.start(ambassadors)
  }

  async #look({ provider, port }: WatchedAmbassador): Promise<void> {
    const waiting = (await waitingAt(port)) ?? 0
    const most = this.#mostWaiting.get(provider) ?? 0
    if (waiting === 0 && most === 0) return
    if (most === 0) this.#report(`calls wait for room at ${provider}`)
    if (waiting > 0) {
      this.#mostWaiting.set(provider, Math.max(waiting, most))
      return
    }
    this.#mostWaiting.delete(provider)
    this.#report(`nobody waits at ${provider} any more; ${most} did at most`)
  }
}

/** Calls that wait at the ambassador of `port`; undefined where it does not say. */
export async function waitingAt(port: number): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(askMsMax)
    const answer = await fetch(`http://127.0.0.1:${port + 2}/statusz`, { signal })
    const status: unknown = await answer.json()
    const limits = isMap(status) ? status['providerLimits'] : undefined
    const waiting = isMap(limits) ? limits['waiting'] : undefined
    if (!isMap(waiting)) return undefined
    return Number(waiting['interactive']) + Number(waiting['batch'])
  } catch {
    // It starts, ends, or is busy: the next look tells.
    return undefined
  }
}
