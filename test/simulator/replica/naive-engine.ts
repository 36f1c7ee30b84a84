import type { EngineCall } from '#deploy/simulator/replica/engine-call.ts'
import type { EngineOptions } from '#deploy/simulator/replica/engine-options.ts'

interface Running {
  readonly call: EngineCall
  readonly keys: number[]
  arrival: number
  blocks: number[]
  named: number
  computed: number
  generated: number
  isDecoding: boolean
  hasFirst: boolean
  wasScheduled: boolean
}

type NaiveOptions = Required<Omit<EngineOptions, 'adapterSlots'>> & { adapterSlots?: number }

/** What a step computes of whom. */
type Planned = Map<Running, { start: number; tokens: number }>

/** The same rules token by token and sequence by sequence, as plainly as they can be written. */
export class NaiveEngine {
  readonly #o: NaiveOptions
  readonly free: number[]
  readonly holders: number[]
  readonly #keyOf = new Map<number, number>()
  readonly #blocksOf = new Map<number, number[]>()
  line: Running[] = []
  running: Running[] = []
  /** Loaded adapters, the one used longest ago first. */
  #loaded: string[] = []
  #count = 0
  #ownKey = 0
  #isAwake = false
  preemptions = 0

  constructor(options: NaiveOptions) {
    this.#o = options
    this.free = Array.from({ length: options.blocks }, (_, at) => at)
    this.holders = this.free.map(() => 0)
  }

  submit(call: EngineCall): () => void {
    const { keys, outputKeys = [] } = call
    const entry = { call, keys: [...keys, ...outputKeys], arrival: this.#count++, blocks: [] }
    const state = { named: 0, computed: 0, generated: 0, isDecoding: false, hasFirst: false }
    const running: Running = { ...entry, ...state, wasScheduled: false }
    this.#queue(running)
    if (!this.#isAwake) this.#o.clock.after(0, () => this.#step())
    this.#isAwake = true
    return () => {
      this.#release(running)
      this.line = this.line.filter((other) => other !== running)
      this.running = this.running.filter((other) => other !== running)
    }
  }

  #queue(running: Running): void {
    this.line.push(running)
    const rank = ({ call }: Running) => (this.#o.scheduling === 'fcfs' ? 0 : call.priority)
    this.line.sort((one, other) => rank(one) - rank(other) || one.arrival - other.arrival)
  }

  #release(running: Running): void {
    for (const block of running.blocks.splice(0).toReversed()) {
      if (--this.holders[block]! === 0) this.free.push(block)
    }
    running.named = 0
    running.computed = 0
    running.isDecoding = false
  }

  #extend(running: Running, tokens: number): void {
    while (running.blocks.length * this.#o.blockTokens < tokens) {
      const block = this.free.shift()!
      const key = this.#keyOf.get(block)
      if (key !== undefined) {
        this.#blocksOf.set(
          key,
          this.#blocksOf.get(key)!.filter((other) => other !== block),
        )
      }
      this.#keyOf.delete(block)
      this.holders[block] = 1
      running.blocks.push(block)
    }
    const full = Math.min(Math.floor(tokens / this.#o.blockTokens), running.keys.length)
    for (; running.named < full; running.named++) {
      const block = running.blocks[running.named]!
      const key = running.keys[running.named]!
      this.#keyOf.set(block, key)
      this.#blocksOf.set(key, [...(this.#blocksOf.get(key) ?? []), block])
    }
  }

  #preempt(victim: Running): void {
    if (victim.isDecoding) {
      const computed = victim.call.promptTokens + victim.generated - 1
      while ((victim.keys.length + 1) * this.#o.blockTokens <= computed) {
        victim.keys.push(--this.#ownKey)
      }
      this.#extend(victim, computed)
    }
    this.#release(victim)
    this.running = this.running.filter((other) => other !== victim)
    if (this.#o.scheduling === 'fcfs') victim.arrival = -++this.#count
    this.#queue(victim)
    this.preemptions++
  }

  /** The last of the running, or by priority the least of them. */
  #victim(): Running {
    if (this.#o.scheduling === 'fcfs') return this.running.at(-1)!
    return this.running.toSorted(
      (one, other) => other.call.priority - one.call.priority || other.arrival - one.arrival,
    )[0]!
  }

  #admit(running: Running): boolean {
    const { blockTokens } = this.#o
    const target = running.call.promptTokens + running.generated
    const found: number[] = []
    for (const key of running.keys.slice(0, Math.floor((target - 1) / blockTokens))) {
      const block = this.#blocksOf.get(key)?.[0]
      if (block === undefined) break
      found.push(block)
    }
    const occupied = found.filter((block) => this.holders[block] === 0).length
    const fresh = Math.ceil(target / blockTokens) - found.length
    if (fresh + occupied > this.free.length) return false
    for (const block of found) {
      if (this.holders[block]!++ === 0) this.free.splice(this.free.indexOf(block), 1)
    }
    running.blocks = found
    running.named = found.length
    running.computed = found.length * blockTokens
    return true
  }

  /** Gives 1 where `adapter` had to be loaded. */
  #load(adapter: string, busy: ReadonlySet<string>): number {
    const wasLoaded = this.#loaded.includes(adapter)
    const idle = this.#loaded.find((name) => !busy.has(name))
    const isFull = this.#loaded.length >= (this.#o.adapterSlots ?? 0)
    const gone = !wasLoaded && isFull ? idle : adapter
    this.#loaded = [...this.#loaded.filter((name) => name !== adapter && name !== gone), adapter]
    return wasLoaded ? 0 : 1
  }

  #step(): void {
    const { stepTokensMax, sequencesMax, adapterSlots = 1e9 } = this.#o
    if (this.running.length + this.line.length === 0) {
      this.#isAwake = false
      return
    }
    const planned: Planned = new Map()
    const news: Running[] = []
    const left = () =>
      [...planned.values()].reduce((sum, { tokens }) => sum - tokens, stepTokensMax)
    const plan = (running: Running) => {
      const start = running.computed
      const target = running.call.promptTokens + running.generated
      const tokens = Math.min(left(), target - start)
      const missing = () =>
        Math.ceil((start + tokens) / this.#o.blockTokens) - running.blocks.length
      while (missing() > this.free.length) {
        const victim = this.#victim()
        this.#preempt(victim)
        planned.delete(victim)
        hasPreempted = true
        if (victim === running) return
      }
      this.#extend(running, start + tokens)
      running.computed += tokens
      planned.set(running, { start, tokens })
    }
    let hasPreempted = false
    let loads = 0
    for (const running of this.running) if (this.running.includes(running)) plan(running)
    for (const next of hasPreempted ? [] : [...this.line]) {
      if (left() === 0 || this.running.length >= sequencesMax) break
      const { adapter } = next.call
      const busy = new Set(
        this.running.map(({ call }) => call.adapter).filter((name) => name !== ''),
      )
      if (adapter !== '' && !busy.has(adapter) && busy.size >= adapterSlots) continue
      if (!this.#admit(next)) break
      if (adapter !== '' && adapterSlots < 1e9) loads += this.#load(adapter, busy)
      this.line = this.line.filter((other) => other !== next)
      this.running.push(next)
      if (!next.wasScheduled) news.push(next)
      plan(next)
    }
    this.#compute(planned, loads)
    for (const running of news) {
      running.wasScheduled = true
      running.call.sink.scheduled?.(planned.get(running)!.start)
    }
  }

  #compute(planned: Planned, loads: number): void {
    const decoding = [...planned.keys()].filter(({ isDecoding }) => isDecoding)
    const chunks = [...planned].filter(([{ isDecoding }]) => !isDecoding)
    const batch = {
      decoding: decoding.length,
      contextTokens: decoding.reduce((sum, { computed }) => sum + computed, 0),
      activeShare: (this.#o.blocks - this.free.length) / this.#o.blocks,
      chunks: chunks.length,
      starts: chunks.map(([, { start }]) => start),
      tokens: chunks.map(([, { tokens }]) => tokens),
    }
    const ms = this.#o.stepTime.decodeMs(batch) + this.#o.stepTime.prefillMs(batch)
    this.#o.clock.after(ms / this.#o.speed + loads * this.#o.adapterLoadMs, () =>
      this.#end([...planned.keys()]),
    )
  }

  #end(planned: Running[]): void {
    const spoke = planned.filter(
      (running) =>
        this.running.includes(running) &&
        running.computed === running.call.promptTokens + running.generated,
    )
    for (const running of spoke) {
      running.generated++
      running.isDecoding = true
    }
    const finished = spoke.filter(({ call, generated }) => generated === call.outputTokens)
    for (const running of finished) {
      this.#release(running)
      this.running = this.running.filter((other) => other !== running)
    }
    for (const running of spoke) {
      if (!running.hasFirst) running.call.sink.firstToken()
      running.hasFirst = true
    }
    for (const { call } of spoke) call.sink.tokens?.(1)
    for (const { call } of finished) call.sink.finished()
    this.#step()
  }
}
