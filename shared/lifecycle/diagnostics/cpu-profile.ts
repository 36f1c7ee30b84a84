import { type Profiler, Session } from 'node:inspector'

/** Between two samples, in microseconds. */
const everyUs = 1_000

/** A profile of this process, under way. Holds names and places of functions, and no value. */
export class CpuProfile {
  readonly #session = new Session()

  constructor(sampleUs: number = everyUs) {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.setSamplingInterval', { interval: sampleUs })
    this.#session.post('Profiler.start')
  }

  /** Ends it; undefined where the engine has none to give. */
  stop(): Profiler.Profile | undefined {
    let found: Profiler.Profile | undefined
    // Answered before it returns: the session is of this thread.
    this.#session.post('Profiler.stop', (error, answer) => {
      if (error === null) found = answer.profile
    })
    this.#session.disconnect()
    return found
  }
}
