/** A count that goes on step by step. */
export interface CountingJob {
  /** Goes on for as much as counting `characters` of text costs; whether it is done. */
  step(characters: number): boolean
  /** Asked before each step: a caller that left needs no count. */
  readonly isWanted: () => boolean
}

/** Characters whose count costs 1 ms of prose, below 5 ms of any text or body. */
const sliceCharacters = 16_384

interface Entry {
  readonly job: CountingJob
  readonly resolve: (isDone: boolean) => void
  readonly reject: (error: unknown) => void
}

/**
 * Runs long counts a slice at a time, each job in its turn: the process goes on with its calls in
 * between, and a short count is not held up by a long one.
 */
export class CountingQueue {
  readonly #pause: () => Promise<void>
  readonly #entries: Entry[] = []
  #isRunning = false

  /** `pause` lets other work run; never rejects. */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause
  }

  /** Resolves with whether it was done rather than no longer wanted; rejects with what it throws. */
  run(job: CountingJob): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#entries.push({ job, resolve, reject })
      if (!this.#isRunning) void this.#runAll()
    })
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true
    for (let entry = this.#entries.shift(); entry; entry = this.#entries.shift()) {
      await this.#pause()
      if (!this.#isFinished(entry)) this.#entries.push(entry)
    }
    this.#isRunning = false
  }

  #isFinished({ job, resolve, reject }: Entry): boolean {
    try {
      const isWanted = job.isWanted()
      if (isWanted && !job.step(sliceCharacters)) return false
      resolve(isWanted)
    } catch (error) {
      reject(error)
    }
    return true
  }
}
