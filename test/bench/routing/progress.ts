import type { UnitResult } from './unit.ts'

/** Tells on standard output what is done, how it came out, and how long it will take yet. */
export class Progress {
  readonly #units: number
  readonly #startedMs = performance.now()
  #done = 0

  constructor(units: number) {
    this.#units = units
    console.log(`${units} units of the bench are to be run`)
  }

  done(id: string, { results, captured }: UnitResult): void {
    this.#done++
    const seconds = (performance.now() - this.#startedMs) / 1_000
    const left = (seconds / this.#done) * (this.#units - this.#done)
    const means = Object.entries(results).map(
      ([name, { figures }]) => `${name} ${figures.ttftMean.toPrecision(3)}`,
    )
    const loads = Object.entries(captured).map(([name, load]) => `${name} ${load.toFixed(2)}`)
    const place = `${this.#done}/${this.#units}`.padStart(9)
    console.log(
      `${place}, ${(left / 60).toFixed(1)} min left: ${id}: ${[...means, ...loads].join(', ')}`,
    )
  }
}
