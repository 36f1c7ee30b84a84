/** Something that runs until it is stopped. */
interface Stoppable {
  stop(): Promise<void>
}

interface SwitchParts<Wanted, Running> {
  readonly start: (wanted: Wanted) => Promise<Running>
  readonly onProblem: (error: unknown) => void
}

/** Runs what the configuration wants: on, over and off, one change after the other. */
export class RunningSwitch<Wanted extends object, Running extends Stoppable> {
  readonly #parts: SwitchParts<Wanted, Running>
  #running: Running | undefined
  #wanted: string | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: SwitchParts<Wanted, Running>) {
    this.#parts = parts
  }

  /** Undefined while nothing runs, or one makes room for the next. */
  get running(): Running | undefined {
    return this.#running
  }

  /** Never throws; does nothing where `wanted` says what it said before. */
  apply(wanted: Wanted | undefined): void {
    const text = wanted === undefined ? undefined : JSON.stringify(wanted)
    if (text === this.#wanted) return
    this.#wanted = text
    this.#turn = this.#turn.then(() => this.#change(wanted))
  }

  async stop(): Promise<void> {
    this.apply(undefined)
    await this.#turn
  }

  async #change(wanted: Wanted | undefined): Promise<void> {
    const { start, onProblem } = this.#parts
    try {
      const old = this.#running
      this.#running = undefined
      await old?.stop()
      if (wanted !== undefined) this.#running = await start(wanted)
    } catch (error) {
      onProblem(error)
    }
  }
}
