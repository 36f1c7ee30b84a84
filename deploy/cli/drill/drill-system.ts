import { resolve } from 'node:path'
import type { DoubleManners } from '#deploy/local/demo/doubles.ts'
import { Launcher } from '#deploy/local/launch.ts'
import type { Plan } from '#deploy/local/plan.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { Environment } from '#shared/config/secrets.ts'
import { Journal } from './journal.ts'
import { countAt, type ProviderCount } from './provider-count.ts'

export const demoConfig = resolve(import.meta.dirname, '../../local/demo/demo.yaml')

const startsMax = 6
const portMin = 10_000
const portStep = 400
/** Below the ports that systems give to clients (32,768 on Linux). */
const portSlots = 50
/** A double answers at once; a busy machine needs more. */
const scriptMsMax = 30_000

export interface DrillSystemOptions {
  /** Absolute path. */
  readonly config: string
  readonly clock: Clock
  readonly environment: Environment
  readonly manners: DoubleManners
  readonly onBreaker: ConstructorParameters<typeof Journal>[0]
}

/** The demo system, for one drill. */
export class DrillSystem {
  readonly port: number
  readonly journal: Journal
  readonly #launcher: Launcher
  readonly #plan: Plan

  private constructor(parts: {
    port: number
    journal: Journal
    launcher: Launcher
    plan: Plan
  }) {
    this.port = parts.port
    this.journal = parts.journal
    this.#launcher = parts.launcher
    this.#plan = parts.plan
  }

  /**
   * Starts it on ports that nobody uses. `onMade` gets what ends it at once, before anything runs.
   * Rejects with a message for the user.
   */
  static async start(
    options: DrillSystemOptions,
    onMade: (kill: () => void) => void,
  ): Promise<DrillSystem> {
    const { config, clock, environment, manners } = options
    for (let starts = 1; ; starts++) {
      const port = portMin + portStep * Math.floor(clock.random() * portSlots)
      const journal = new Journal(options.onBreaker)
      const launcher = new Launcher({
        settings: { config, port, isVerbose: true, hasDoubles: true },
        environment,
        clock,
        manners,
        style: { isTerminal: false, hasColour: false, isVerbose: true },
        show: (line) => journal.take(line),
      })
      onMade(() => launcher.kill())
      try {
        await launcher.start()
        const { plan } = launcher
        if (plan === undefined) throw new Error('Cannot start: nothing is planned')
        return new DrillSystem({ port, journal, launcher, plan })
      } catch (error) {
        await launcher.stop()
        const isTaken = error instanceof Error && error.message.startsWith('Cannot listen on')
        if (!isTaken || starts === startsMax) throw error
      }
    }
  }

  /** Of an ambassador. */
  ambassadorPort(provider: string): number {
    return this.#plan.ambassadors.find((one) => one.provider === provider)?.port ?? 0
  }

  /** Providers that have an ambassador. */
  get providers(): string[] {
    return this.#plan.ambassadors.map(({ provider }) => provider)
  }

  /** What the double of `provider` has counted; undefined while it does not run. */
  count(provider: string): Promise<ProviderCount | undefined> {
    return countAt(this.#doublePort(provider))
  }

  /** Instructs the double of `provider`. */
  async script(provider: string, instruction: object): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.#doublePort(provider)}/sim/script`, {
      method: 'POST',
      signal: AbortSignal.timeout(scriptMsMax),
      body: JSON.stringify(instruction),
    })
    if (answer.status !== 200) throw new Error(`Cannot script: ${await answer.text()}`)
    await answer.text()
  }

  /** Ends one child with SIGKILL; it is started again. */
  killChild(name: string): void {
    const pid = this.#launcher.pid(name)
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  }

  stop(): Promise<void> {
    return this.#launcher.stop()
  }

  #doublePort(provider: string): number {
    return this.#plan.doubles.find((one) => one.provider === provider)?.port ?? 0
  }
}
