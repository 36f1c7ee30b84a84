import * as v from 'valibot'
import { count, duration, filePath, labelName, modelName, oneOf, text, tunable } from './fields.ts'

/** What a question may need of a model. */
export const capabilityNames = ['tools', 'images', 'audio', 'documents', 'json-schema'] as const
export type Capability = (typeof capabilityNames)[number]

/** Why a call may go to the next target. */
export const fallbackReasons = [
  'unavailable',
  'rate-limited',
  'timeout',
  'context-window',
  'content-filter',
] as const
export type FallbackReason = (typeof fallbackReasons)[number]

const targetKeys = {
  // Tokens of a question that the model takes at most. Absent, the provider alone refuses.
  contextWindow: v.optional(count({ max: 2 ** 30 })),
  // Path of the model's tokenizer.json, relative to this file: its texts are counted exactly.
  tokenizer: v.optional(filePath),
  // What the model can do; everything where the key is absent.
  capabilities: v.optional(v.array(oneOf(capabilityNames))),
  // Caps the length of its answers, in tokens: for a target that stands in while others are gone.
  outputMax: v.optional(count({ max: 2 ** 30 })),
  // Share of a split, against the other weights.
  weight: v.optional(count({ min: 0 }), 1),
  // What `cheapest` goes by, in any unit: US dollars per million tokens, say.
  cost: v.optional(v.pipe(v.number('must be a number'), v.minValue(0, 'must be at least 0')), 0),
}

const target = v.object({ provider: labelName, model: modelName, ...targetKeys })

const members = v.pipe(
  v.array(target),
  v.minLength(1, 'must name at least one target'),
  v.maxLength(16, 'must name at most 16 targets'),
)

/** How a group says which of its targets comes first. */
export const choices = ['split', 'leastBusy', 'fastest', 'cheapest'] as const
export type Choice = (typeof choices)[number] | 'only'

const forms = ['provider', ...choices, 'refuse'] as const
const formWords = forms.join(', ')

/** One target, a group of them, or the end of the chain. */
const entry = v.pipe(
  v.object({
    provider: v.optional(labelName),
    model: v.optional(modelName),
    ...targetKeys,
    // At random, by weight.
    split: v.optional(
      v.pipe(
        members,
        v.check((all) => all.some(({ weight }) => weight > 0), 'must have a weight above 0'),
      ),
    ),
    // `session`: calls with the same `x-outrigger-session` stay at one target of a split.
    sticky: v.optional(oneOf(['session'])),
    // The one with the fewest calls of this sidecar in flight.
    leastBusy: v.optional(members),
    // The one that began its recent answers soonest.
    fastest: v.optional(members),
    // The one of the lowest `cost`.
    cheapest: v.optional(members),
    // Nobody: the caller is told this, with status 503.
    refuse: v.optional(text(/^.{1,500}$/s, 'must be a text of at most 500 characters')),
  }),
  v.check(
    (input) => forms.filter((form) => input[form] !== undefined).length === 1,
    `must have exactly one of ${formWords}`,
  ),
  v.forward(
    v.check(
      ({ provider, model }) => provider === undefined || model !== undefined,
      'is required beside provider',
    ),
    ['model'],
  ),
  v.forward(
    v.check(
      ({ provider, model }) => model === undefined || provider !== undefined,
      'is required beside model',
    ),
    ['provider'],
  ),
  v.check(
    ({ provider, contextWindow, tokenizer, capabilities, outputMax }) =>
      provider !== undefined ||
      [contextWindow, tokenizer, capabilities, outputMax].every((value) => value === undefined),
    'must have contextWindow, tokenizer, capabilities and outputMax at each of its targets',
  ),
  v.check(
    ({ split, sticky }) => sticky === undefined || split !== undefined,
    'must have sticky only beside split',
  ),
  v.transform((input): Entry => {
    if (input.refuse !== undefined) return { choose: 'refuse', words: input.refuse }
    const { provider, model, split, leastBusy, fastest, cheapest, sticky } = input
    if (provider !== undefined && model !== undefined) {
      const { contextWindow, tokenizer, capabilities, outputMax, weight, cost } = input
      const only = { contextWindow, tokenizer, capabilities, outputMax, weight, cost }
      return { choose: 'only', targets: [{ provider, model, ...only }], isSticky: false }
    }
    const choose = choices.find((choice) => input[choice] !== undefined) ?? 'split'
    const targets = split ?? leastBusy ?? fastest ?? cheapest ?? []
    return { choose, targets, isSticky: sticky === 'session' }
  }),
)

export type Target = v.InferOutput<typeof target>

/** A step of a chain: the targets among which one is chosen, or the end. */
export type Entry =
  | {
      readonly choose: Choice
      /** At least one. */
      readonly targets: readonly Target[]
      readonly isSticky: boolean
    }
  | { readonly choose: 'refuse'; readonly words: string }

const entries = v.pipe(
  v.array(entry),
  v.minLength(1, 'must name at least one target'),
  v.maxLength(16, 'must name at most 16 targets'),
)

const when = v.object({
  // Headers of the call and the value that each must have; `*` for any.
  headers: v.optional(
    v.record(
      text(/^[a-z0-9-]{1,64}$/, 'must be a header name in lower case'),
      text(/^[^\0\r\n]{1,256}$/, 'must be a text of at most 256 characters'),
    ),
    {},
  ),
  // As asked for with `x-outrigger-class`; the ambassador has the last word on it.
  class: v.optional(labelName),
  // What the question uses.
  needs: v.optional(v.array(oneOf(capabilityNames)), []),
  // Tokens of the question, by the tokenizer of the rule's first target.
  tokensOver: v.optional(count({ max: 2 ** 30 })),
})

const rule = v.object({ when, targets: entries })

const fallback = v.object({
  // What sends a call on to the next target. A caller's own mistake never does.
  on: v.optional(tunable(v.array(oneOf(fallbackReasons))), () => [
    'unavailable' as const,
    'rate-limited' as const,
    'timeout' as const,
    'context-window' as const,
  ]),
  // For trying, from when the question has come: an answer that has begun by then may take its time.
  within: v.optional(tunable(duration()), '60s'),
  // How long a target may take for an answer that is not streamed before `timeout` hands it on. Its
  // head comes with its end: absent, only the provider's own `timeouts.head` bounds it.
  whole: v.optional(tunable(duration())),
  // Where bytes were sent and no answer came, a second try may bill twice: `leave` shows the error.
  unknown: v.optional(tunable(oneOf(['next', 'leave'])), 'next'),
})

/** One name under `models`: rules, the first that fits, else its own targets, tried in order. */
export const model = v.object({
  rules: v.optional(v.pipe(v.array(rule), v.maxLength(32, 'must have at most 32 rules')), []),
  targets: entries,
  fallback: v.optional(fallback, {}),
})

export type Model = v.InferOutput<typeof model>
export type Rule = v.InferOutput<typeof rule>

/** Every target that a model may be served by, whatever the call. */
export function allTargets({ rules, targets }: Pick<Model, 'rules' | 'targets'>): Target[] {
  return [...targets, ...rules.flatMap((each) => each.targets)].flatMap((step) =>
    step.choose === 'refuse' ? [] : step.targets,
  )
}
