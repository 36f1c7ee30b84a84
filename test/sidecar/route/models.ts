import assert from 'node:assert/strict'
import { parseConfig } from '#shared/config/load.ts'
import type { Config, Entry, Target } from '#shared/config/schema.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { Counter, type InputCount, type Question } from '#shared/tokens/counter.ts'
import { Encodings } from '#shared/tokens/encodings.ts'
import type { SidecarCall } from '../../../sidecar/call.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'
import { callOf } from '../sidecar-call.ts'

const hosted = { kind: 'openai-compatible', baseUrl: 'http://localhost/v1' }

/** A configuration with `models`; providers `a` to `d` speak chat, `m` speaks messages alone. */
export function configWith(models: object, sidecar: object = {}): Config {
  const chat = ['a', 'b', 'c', 'd'].map((name, at) => [
    name,
    { ...hosted, dialects: ['chat'], address: `127.0.0.1:${at + 1}` },
  ])
  const m = { ...hosted, dialects: ['messages'], address: '127.0.0.1:9' }
  const whole = { models, sidecar, providers: { ...Object.fromEntries(chat), m } }
  const loaded = parseConfig(JSON.stringify(whole), 'test')
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.problems))
  return loaded.config
}

/** The entries of a model whose targets are `targets`. */
export function entriesOf(...targets: readonly object[]): readonly Entry[] {
  return configWith({ x: { targets } }).models['x']?.targets ?? []
}

/** The one group of `targets`. */
export function groupOf(group: object): Extract<Entry, { targets: unknown }> {
  const [entry] = entriesOf(group)
  assert.ok(entry !== undefined && entry.choose !== 'refuse')
  return entry
}

export function names(targets: readonly Target[]): string {
  return targets.map(({ provider }) => provider).join(' ')
}

/** A call for model `x` of `config`, not yet routed. */
export function callUnder(config: Config, clock: ManualClock = manualClock()): SidecarCall {
  const call = callOf(clock)
  assert.ok(call.snapshot !== undefined)
  return {
    ...call,
    snapshot: { ...call.snapshot, config },
    modelAsked: 'x',
    chain: [],
    isBound: false,
    route: undefined,
  }
}

/** Counts by the table of models; what it does not name is never counted in time. */
export class Table extends Counter {
  readonly asked: string[] = []
  readonly #counts: Readonly<Record<string, InputCount>>

  constructor(counts: Readonly<Record<string, InputCount>> = {}) {
    super(() => Promise.resolve(), new Encodings(() => {}))
    this.#counts = counts
  }

  override count({ model }: Question): InputCount | Promise<InputCount | undefined> {
    this.asked.push(model)
    return this.#counts[model] ?? Promise.resolve(undefined)
  }
}

/** Random numbers that repeat (mulberry32). */
export function seeded(seed: number): ManualClock {
  let state = seed
  return {
    ...manualClock(),
    random() {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    },
  }
}

/** Hears nothing. */
export const silent = createLog({
  level: 'silent',
  half: 'sidecar',
  clock: manualClock(),
  destination: { write: () => undefined },
})
