import {
  Engine,
  type EngineCall,
  type EngineOptions,
  type EngineSink,
  type EngineTicket,
} from '#deploy/simulator/replica/engine.ts'
import type { StepTime } from '#deploy/simulator/replica/step-time.ts'
import { VirtualClock } from '#deploy/simulator/virtual-clock.ts'

/** 10 ms for a step that decodes, and 1 ms for each token of a prompt: easy to work out by hand. */
export const plain: StepTime = {
  decodeMs: ({ decoding }) => (decoding > 0 ? 10 : 0),
  prefillMs: ({ chunks, tokens }) => {
    let sum = 0
    for (let at = 0; at < chunks; at += 1) sum += tokens[at] ?? 0
    return sum
  },
}

export interface Asked extends Partial<Omit<EngineCall, 'sink'>> {
  readonly promptTokens: number
  /** Calls of one `content` share their beginnings; by default its name: nothing is shared. */
  readonly content?: string
}

const contents = new Map<string, number>()

/** Keys of the first `count` blocks of a content. */
export function keysOf(content: string, count: number): number[] {
  const base = contents.get(content) ?? (contents.size + 1) * 1_000_000
  contents.set(content, base)
  return Array.from({ length: count }, (_, at) => base + at)
}

/** An engine with 4 tokens in a block and the plain step time, in virtual time, that writes down what it tells. */
export class Script {
  readonly clock = new VirtualClock(1)
  readonly engine: Engine
  /** "30 a finished": at 30 ms, call a. */
  readonly #told: string[] = []
  readonly #blockTokens: number

  constructor(options: Partial<EngineOptions> = {}) {
    const all = { clock: this.clock, blocks: 100, blockTokens: 4, stepTime: plain, ...options }
    this.#blockTokens = all.blockTokens
    this.engine = new Engine(all)
  }

  submit(name: string, asked: Asked, sink: Partial<EngineSink> = {}): EngineTicket {
    const full = Math.floor(asked.promptTokens / this.#blockTokens)
    const write = (what: string) => this.#told.push(`${this.clock.now()} ${name} ${what}`)
    return this.engine.submit({
      keys: keysOf(asked.content ?? name, full),
      outputTokens: 1,
      priority: 0,
      adapter: '',
      ...asked,
      sink: {
        scheduled: (cached) => write(`scheduled ${cached}`),
        firstToken: () => write('first'),
        finished: () => write('finished'),
        lost: () => write('lost'),
        ...sink,
      },
    })
  }

  /** Runs to the end or to `untilMs`; gives what was told since the last time. */
  run(untilMs?: number): string[] {
    this.clock.run(untilMs)
    return this.#told.splice(0)
  }
}
