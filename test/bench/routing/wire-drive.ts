import assert from 'node:assert/strict'
import type { Arrival } from '#deploy/simulator/pool/arrival.ts'
import { type Timed, timesOf } from './timed.ts'
import { idsOf } from './wire-workload.ts'

/** Calls are sent up to `untilMs`; those sent from `fromMs` on are counted. */
export interface Window {
  readonly fromMs: number
  readonly untilMs: number
}

/** What the counted calls of one policy saw. */
export interface Seen {
  readonly ttft: Timed
  /** Cached tokens of all prompt tokens. */
  readonly hit: number
  readonly failed: number
  /** How much later than planned calls were sent, in ms. */
  readonly late: Timed
}

/** What became of one call. */
interface Answered {
  readonly tokens: number
  readonly ttftMs: number
  readonly cachedTokens: number
}

/** Sends calls to a gateway in real time: each session's turns one after the other. */
export class Driver {
  readonly #port: number
  readonly #window: Window
  readonly #answers: Answered[] = []
  readonly #lateMs: number[] = []
  #failed = 0
  #startMs = 0

  constructor(port: number, window: Window) {
    this.#port = port
    this.#window = window
  }

  /** Compilers have seen the way of a call; the prompts are nobody's. */
  async warmUp(): Promise<void> {
    for (let round = 0; round < 10; round++) {
      const prompts = [0, 1, 2, 3].map((at) => [round, at, ...Array(200).keys()])
      await Promise.all(prompts.map((prompt) => this.#ask(prompt, 8)))
    }
  }

  /** All calls at their times, each turn a pause after the end of the one before it. */
  async drive(arrivals: readonly Arrival[]): Promise<Seen> {
    const followers = new Map<Arrival, Arrival>()
    for (const arrival of arrivals) {
      if (arrival.follows !== undefined) followers.set(arrival.follows.arrival, arrival)
    }
    this.#startMs = performance.now()
    const firsts = arrivals.filter(({ follows }) => follows === undefined)
    await Promise.all(firsts.map((first) => this.#session(first, followers)))
    const answers = this.#answers
    const sum = (of: (one: Answered) => number) =>
      answers.reduce((total, one) => total + of(one), 0)
    return {
      ttft: timesOf(answers.map(({ ttftMs }) => ttftMs)),
      hit: sum(({ cachedTokens }) => cachedTokens) / sum(({ tokens }) => tokens),
      failed: this.#failed,
      late: timesOf(this.#lateMs),
    }
  }

  async #session(first: Arrival, followers: ReadonlyMap<Arrival, Arrival>): Promise<void> {
    let atMs = first.atMs
    for (let call: Arrival | undefined = first; call !== undefined; call = followers.get(call)) {
      if (atMs > this.#window.untilMs) return
      await this.#until(atMs)
      await this.#count(call, atMs)
      const pauseMs = followers.get(call)?.follows?.pauseMs ?? 0
      atMs = performance.now() - this.#startMs + pauseMs
    }
  }

  async #count(call: Arrival, atMs: number): Promise<void> {
    const isCounted = atMs >= this.#window.fromMs
    const prompt = idsOf(call)
    if (isCounted) this.#lateMs.push(performance.now() - this.#startMs - atMs)
    try {
      const answer = await this.#ask(prompt, call.outputTokens)
      if (isCounted) this.#answers.push({ tokens: call.tokens, ...answer })
    } catch {
      // Counted: a session that lost a turn goes on with the next.
      this.#failed++
    }
  }

  #until(atMs: number): Promise<unknown> {
    return new Promise((resolve) => {
      setTimeout(resolve, this.#startMs + atMs - performance.now())
    })
  }

  async #ask(prompt: readonly number[], outputTokens: number): Promise<Omit<Answered, 'tokens'>> {
    const sentMs = performance.now()
    const response = await fetch(`http://127.0.0.1:${this.#port}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'tiny',
        prompt,
        max_tokens: outputTokens,
        stream: true,
        stream_options: { include_usage: true },
      }),
    })
    assert.ok(response.body !== null)
    let ttftMs = Number.NaN
    let text = ''
    for await (const chunk of response.body) {
      text += Buffer.from(chunk).toString('utf8')
      if (Number.isNaN(ttftMs) && text.includes('data: ')) ttftMs = performance.now() - sentMs
    }
    const isWhole = response.status === 200 && text.trimEnd().endsWith('data: [DONE]')
    assert.ok(isWhole, text.slice(0, 300))
    return { ttftMs, cachedTokens: Number(/"cached_tokens":\s*(\d+)/.exec(text)?.[1] ?? 0) }
  }
}
