import fc from 'fast-check'
import type { StepTime } from '#deploy/simulator/replica/step-time.ts'

/** Every part of the batch changes the time: no difference between two batches goes unnoticed. */
export const telling: StepTime = {
  decodeMs: ({ decoding, contextTokens, activeShare }) =>
    decoding === 0 ? 0 : 1 + decoding / 8 + contextTokens / 1024 + activeShare / 2,
  prefillMs: ({ chunks, starts, tokens }) => {
    let ms = 0
    for (let at = 0; at < chunks; at += 1) ms += tokens[at]! * 2 + starts[at]! / 64
    return ms
  },
}

const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100)

/** Small engines with few blocks, and calls that share, end early and want adapters. */
export const plans = fc.record({
  engine: fc
    .record({
      blocks: fc.integer({ min: 4, max: 24 }),
      blockTokens: fc.constantFrom(1, 2, 4, 7),
      sequencesMax: fc.integer({ min: 1, max: 6 }),
      stepTokensMax: fc.integer({ min: 6, max: 40 }),
      scheduling: fc.constantFrom('fcfs' as const, 'priority' as const),
      speed: fc.constantFrom(1, 0.5),
      adapterLoadMs: fc.constantFrom(0, 5),
    })
    .chain((fixed) =>
      fc.constantFrom(undefined, 1, 2).map((slots) => ({
        ...fixed,
        ...(slots === undefined ? {} : { adapterSlots: slots }),
      })),
    ),
  calls: fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 80 }),
      prompt: share,
      output: share,
      content: fc.integer({ min: 1, max: 3 }),
      /** Blocks shared with others of that content, answers included. */
      shared: fc.integer({ min: 0, max: 24 }),
      outputs: fc.constantFrom('keyed', 'unique'),
      priority: fc.integer({ min: 0, max: 2 }),
      adapter: fc.constantFrom('', '', 'x', 'y', 'z'),
      cancelAfterMs: fc.oneof(
        { weight: 5, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 60 }) },
      ),
      watches: fc.boolean(),
    }),
    { minLength: 1, maxLength: 20, size: 'max' },
  ),
})

export type Plan = typeof plans extends fc.Arbitrary<infer T> ? T : never

/** The calls of a plan without their sinks: each fits the cache alone. */
export function callsOf({ engine: { blocks, blockTokens }, calls }: Plan) {
  const room = blocks * blockTokens
  return calls.map((call, index) => {
    const promptTokens = 1 + Math.floor(call.prompt ** 2 * (room - 1) * 0.8)
    const outputTokens = 1 + Math.floor(call.output ** 2 * (room - promptTokens))
    const full = Math.floor((promptTokens + outputTokens - 1) / blockTokens)
    const adapter = call.adapter === '' ? 0 : call.adapter.charCodeAt(0)
    const key = (at: number) =>
      at < call.shared ? call.content * 1e6 + adapter * 1e3 + at : 2 ** 33 * (index + 1) + at
    const all = Array.from({ length: full }, (_, at) => key(at))
    const whole = Math.floor(promptTokens / blockTokens)
    return {
      ...call,
      promptTokens,
      outputTokens,
      keys: all.slice(0, whole),
      ...(call.outputs === 'keyed' ? { outputKeys: all.slice(whole) } : {}),
    }
  })
}
