import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { Clock } from '#shared/call/clock.ts'
import { readVersion } from '#shared/config/read.ts'
import { allSecrets, type Environment } from '#shared/config/secrets.ts'
import { type Snapshot, textHash } from '#shared/config/snapshot.ts'
import { type ConfigLog, type WatchedConfig, watchConfig } from '#shared/config/watch.ts'
import type { LocalArguments } from './arguments.ts'
import { banner } from './banner.ts'
import { Children } from './children.ts'
import { type DoubleManners, demoManners } from './demo/doubles.ts'
import { WaitWatch } from './demo/wait-watch.ts'
import { effectiveText, writeEffective } from './effective.ts'
import { type LineStyle, showLine, showOwn } from './lines.ts'
import { type Plan, Planner } from './plan.ts'
import { portsOf, whyUnusable } from './ports.ts'

export interface LaunchOptions {
  readonly settings: LocalArguments
  readonly environment: Environment
  readonly clock: Clock
  readonly style: LineStyle
  /** Shows log lines, each with its line feed. */
  readonly show: (text: string) => void
  /** Of the doubles, where any are asked for; small limits to be met by hand where absent. */
  readonly manners?: DoubleManners
}

/** The local system while it is made, so that it can be ended at any moment. */
export class Launcher {
  readonly #options: LaunchOptions
  readonly #config: WatchedConfig
  readonly #planner: Planner
  readonly #directory = mkdtempSync(join(tmpdir(), 'outrigger-local-'))
  readonly #effective = join(this.#directory, 'outrigger.yaml')
  readonly #children: Children
  readonly #waits: WaitWatch
  #plan: Plan | undefined
  /** Changes are followed one after another. */
  #following: Promise<void> = Promise.resolve()
  #isStopping = false

  /** Reads the configuration; nothing runs until `start`. */
  constructor(options: LaunchOptions) {
    this.#options = options
    const { settings, environment, clock, style, show } = options
    const manners = options.manners ?? demoManners
    this.#planner = new Planner(settings.port, settings.hasDoubles ? manners : undefined)
    this.#waits = new WaitWatch(clock, (text) => this.#say('info', text))
    this.#children = new Children(
      { port: settings.port, config: this.#effective },
      {
        environment,
        clock,
        onLine: (name, line) => show(showLine(name, line, style)),
        report: (level, text) => this.#say(level, text),
      },
    )
    const log = this.#configLog()
    this.#config = watchConfig({
      file: settings.config,
      secretsOf: allSecrets,
      environment,
      clock,
      log,
    })
  }

  /** Starts everything. Gives what to tell the user; rejects with a message for them. */
  async start(): Promise<string> {
    const { settings } = this.#options
    const first = this.#config.current()
    if (first === undefined) throw new Error(`Cannot start: ${settings.config} is not valid`)
    const plan = this.#planner.plan(first)
    for (const port of portsOf(settings.port, plan)) await this.#checkPort(port)
    this.#write(first, plan)
    this.#config.onChange((snapshot) => {
      this.#following = this.#following.then(() => this.#follow(snapshot))
    })
    await this.#children.start(plan)
    this.#plan = plan
    if (settings.hasDoubles) this.#waits.start(() => this.#plan?.ambassadors ?? [])
    const file = relative(process.cwd(), settings.config)
    return banner({
      port: settings.port,
      file: file.startsWith('..') ? settings.config : file,
      config: first.config,
      plan,
      pid: (name) => this.#children.pid(name),
    })
  }

  /** Ends all in the order of a call. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#waits.stop()
    await this.#config.close()
    await this.#children.stop()
    this.kill()
  }

  /** Ends all at once and removes what was written. Synchronous, and may be called again. */
  kill(): void {
    this.#isStopping = true
    this.#waits.stop()
    this.#children.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** What runs; undefined before `start` has ended. */
  get plan(): Plan | undefined {
    return this.#plan
  }

  /** The process id of one child; undefined while it does not run. */
  pid(name: string): number | undefined {
    return this.#children.pid(name)
  }

  async #checkPort(port: number): Promise<void> {
    const reason = await whyUnusable(port)
    if (reason === undefined) return
    const other = this.#options.settings.port === 4_500 ? 5_000 : 4_500
    throw new Error(`Cannot listen on ${port}: ${reason}; try npm start -- --port ${other}`)
  }

  /** Servers first, then the file that names them, then ambassadors that need the file. */
  async #follow(snapshot: Snapshot): Promise<void> {
    try {
      if (this.#isStopping) return
      const plan = this.#planner.plan(snapshot)
      await this.#children.grow(plan)
      if (this.#isStopping) return
      this.#write(snapshot, plan)
      await this.#children.follow(plan)
      this.#plan = plan
    } catch (error) {
      this.#say('error', error instanceof Error ? error.message : 'Cannot follow the change')
    }
  }

  #write(snapshot: Snapshot, plan: Plan): void {
    const { config } = this.#options.settings
    const reading = readVersion(config)
    // Written again since: the next snapshot brings it.
    if (!reading.ok || textHash(reading.text) !== snapshot.hash) return
    writeEffective(this.#effective, effectiveText(reading.text, dirname(config), plan))
  }

  #say(level: 'info' | 'warn' | 'error', text: string): void {
    this.#options.show(showOwn(level, text, this.#options.style))
  }

  /** The watch's few lines, in words. */
  #configLog(): ConfigLog {
    const say = (level: 'info' | 'warn' | 'error') => (facts: object, message: string) => {
      const problems = 'problems' in facts ? `\n${String(facts.problems)}` : ''
      const generation = 'generation' in facts ? ` (generation ${String(facts.generation)})` : ''
      this.#say(level, `${message}${generation}${problems}`)
    }
    return { info: say('info'), warn: say('warn'), error: say('error') }
  }
}
