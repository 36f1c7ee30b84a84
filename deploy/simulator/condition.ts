import type { Clock } from './clock.ts'
import type { TextEngine } from './text-engine.ts'

// Measured on vLLM 0.32 whose engine was killed: `/health` says so after 0.3 s, the API ends at 3 s.
const crashSeenMs = 300
const crashEndsMs = 3_000

/** What a condition acts on. */
export interface ConditionParts {
  readonly engine: TextEngine
  readonly clock: Clock
  /** Ends the process, as SIGKILL does. */
  readonly kill: () => void
}

/** What is the matter with a whole replica, until it is told to be `well`. */
export class Condition {
  /** Takes no call, finishes those it has, and is healthy. */
  isDraining = false
  /** The engine's process is gone. */
  hasCrashed = false
  isHealthy = true
  scrape: 'good' | 'hang' | 'garbage' = 'good'
  readonly #parts: ConditionParts
  #undo: (() => void)[] = []

  constructor(parts: ConditionParts) {
    this.#parts = parts
  }

  /** Enters the condition `text` (README.md); gives false and changes nothing where it is none. */
  enter(text: string): boolean {
    const { engine } = this.#parts
    const speed = /^speed=(\d{1,3}(?:\.\d{1,3})?)$/.exec(text)?.[1]
    if (speed !== undefined) {
      if (Number(speed) === 0) return false
      engine.pace = Number(speed)
      return true
    }
    const entries: Readonly<Record<string, () => void>> = {
      well: () => this.#recover(),
      asleep: () => engine.setRest('weights_offloaded'),
      'asleep=2': () => engine.setRest('discard_all'),
      paused: () => engine.setRest('paused'),
      stuck: () => engine.stop(),
      draining: () => {
        this.isDraining = true
      },
      crash: () => this.#crash(),
      kill: () => this.#parts.kill(),
      'scrape=hang': () => {
        this.scrape = 'hang'
      },
      'scrape=garbage': () => {
        this.scrape = 'garbage'
      },
    }
    const entry = Object.hasOwn(entries, text) ? entries[text] : undefined
    entry?.()
    return entry !== undefined
  }

  /** Undoes what is still to come. */
  close(): void {
    for (const undo of this.#undo.splice(0)) undo()
  }

  #crash(): void {
    const { engine, clock, kill } = this.#parts
    this.close()
    this.hasCrashed = true
    engine.crash()
    const unhealthy = () => {
      this.isHealthy = false
    }
    this.#undo = [clock.after(crashSeenMs, unhealthy), clock.after(crashEndsMs, kill)]
  }

  #recover(): void {
    this.close()
    this.isDraining = false
    this.hasCrashed = false
    this.isHealthy = true
    this.scrape = 'good'
    this.#parts.engine.pace = 1
    this.#parts.engine.setRest('awake')
    this.#parts.engine.goOn()
  }
}
