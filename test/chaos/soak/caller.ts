import { type Dispatcher, Pool } from 'undici'
import { faults, mix, type Question } from './questions.ts'

interface Plan {
  readonly port: number
  readonly calls: number
  readonly inFlight: number
  /** Every so many calls one fails: 20 is 5 %. */
  readonly faultEvery: number
}

/** How the calls of a run ended, by status, or `cut` where the connection broke. */
export type Endings = Map<string, number>

/** One run of calls over kept connections; the order of kinds and faults is the same in each. */
export class Caller {
  readonly #plan: Plan
  readonly #pool: Pool
  readonly #endings: Endings = new Map()
  readonly #whenDone = Promise.withResolvers<Endings>()
  #begun = 0
  #ended = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.#pool = new Pool(`http://127.0.0.1:${plan.port}`, {
      connections: plan.inFlight,
      pipelining: 1,
      headersTimeout: 30_000,
      bodyTimeout: 30_000,
    })
  }

  /** Calls that have ended. */
  get ended(): number {
    return this.#ended
  }

  /** Makes all calls; its connections are closed when they have ended. */
  async run(): Promise<Endings> {
    for (let at = 0; at < this.#plan.inFlight; at++) this.#next()
    const endings = await this.#whenDone.promise
    await this.#pool.close()
    return endings
  }

  #next(): void {
    const { calls, faultEvery } = this.#plan
    if (this.#begun === calls) return
    const at = this.#begun++
    const question = mix[at % mix.length]
    const isFaulty = at % faultEvery === faultEvery - 1
    const fault = isFaulty ? faults[Math.floor(at / faultEvery) % faults.length] : undefined
    if (question === undefined) return
    this.#pool.dispatch(requestOf(question, fault), new Answer((ending) => this.#end(ending)))
  }

  #end(ending: string): void {
    this.#endings.set(ending, (this.#endings.get(ending) ?? 0) + 1)
    this.#ended++
    if (this.#ended === this.#plan.calls) this.#whenDone.resolve(this.#endings)
    else this.#next()
  }
}

function requestOf({ path, body }: Question, fault: string | undefined) {
  const headers = ['content-type', 'application/json', 'authorization', 'Bearer soak']
  if (fault !== undefined) headers.push('x-sim-fault', fault)
  return { path, method: 'POST' as const, headers, body }
}

/** Reads an answer and keeps nothing of it. */
class Answer implements Dispatcher.DispatchHandler {
  readonly #onEnd: (ending: string) => void
  #status = 0

  constructor(onEnd: (ending: string) => void) {
    this.#onEnd = onEnd
  }

  // undici knows a handler of its current interface by this method.
  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.#onEnd(String(this.#status))
  }

  onResponseError(): void {
    this.#onEnd('cut')
  }
}
