/** Models of one credential that are barred apart: the one barred first is forgotten first. */
const modelsMax = 256

/**
 * Until when one credential is not asked, for all models or for one: it was refused, and would be
 * refused again. Instants on the clock.
 */
export class Bars {
  #untilMs = -Infinity
  readonly #byModel = new Map<string, number>()

  /** `model` undefined: for all of them. */
  set(untilMs: number, model: string | undefined): void {
    if (model === undefined) {
      this.#untilMs = Math.max(this.#untilMs, untilMs)
      return
    }
    this.#byModel.delete(model)
    this.#byModel.set(model, untilMs)
    if (this.#byModel.size <= modelsMax) return
    const [oldest] = this.#byModel.keys()
    if (oldest !== undefined) this.#byModel.delete(oldest)
  }

  /** For calls to `model`; -Infinity where it was never barred. */
  untilMs(model: string): number {
    if (this.#byModel.size === 0) return this.#untilMs
    return Math.max(this.#untilMs, this.#byModel.get(model) ?? -Infinity)
  }
}
