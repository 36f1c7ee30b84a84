import * as v from 'valibot'
import { count, labelName, modelName, named, oneOf } from './fields.ts'

/** What providers limit; which of them a provider knows says `limitsOf`. */
export const limitNames = [
  'requests-second',
  'requests',
  'requests-day',
  'tokens',
  'tokens-day',
  'tokens-month',
  'project-tokens',
  'input-tokens',
  'output-tokens',
  'concurrency',
] as const

export type LimitName = (typeof limitNames)[number]

const byRate: readonly LimitName[] = ['requests', 'tokens']
const ofCopies: readonly LimitName[] = [...byRate, 'concurrency']

/**
 * What is counted, by preset, else by kind: a limit of another name would bind nothing. A test holds it
 * to the shapes in `ambassador/quota/`.
 */
const limitsCounted: ReadonlyMap<string, readonly LimitName[]> = new Map([
  ['openai', [...byRate, 'project-tokens', 'requests-day', 'tokens-day']],
  ['azure', byRate],
  ['anthropic', ['requests', 'input-tokens', 'output-tokens']],
  ['openai-compatible', ofCopies],
  ['nim', ofCopies],
  ['groq', [...byRate, 'requests-day', 'tokens-day']],
  ['deepseek', ['concurrency']],
  ['xai', ['requests-second', ...byRate]],
  ['mistral', ['requests-second', ...byRate, 'tokens-month']],
  ['openrouter', [...ofCopies, 'requests-day']],
])

/** The limits that a provider of this kind has; none by rate where it is a server of one's own. */
export function limitsOf(kind: string, preset: string | undefined): readonly LimitName[] {
  return limitsCounted.get(preset ?? kind) ?? []
}

/** Per minute, per second, day or month where the name says so; calls at once for `concurrency`. */
export const limits = v.record(oneOf(limitNames), count({ max: 1e12 }))

/** A call that waits takes about 16 KiB of heap, and waits no longer than its patience. */
const waitingCalls = count({ max: 100_000 })
/** Of a class that `queue` does not name. */
export const waitingDefault = 10_000

/** `providers.NAME.queue`: calls that wait for room under the provider's limits. */
export const queue = v.objectWithRest(
  {
    // Calls of a class that may wait, by the name of any class; 10,000 where it is absent.
    interactive: v.optional(waitingCalls, waitingDefault),
    batch: v.optional(waitingCalls, waitingDefault),
    // Of each line, the part that one tenant may fill.
    tenantPercent: v.optional(count({ max: 100 }), 50),
    // What each class but the first gets of the tokens while higher ones wait as well: slow, and
    // never nothing.
    batchPercent: v.optional(count({ min: 0, max: 99 }), 10),
  },
  waitingCalls,
)

/** Of the provider's limits, the part that is this ambassador's: with N replicas, 100 / N. */
export const accountPercent = v.optional(count({ max: 100 }), 100)

/**
 * `providers.NAME.families`: models that share their limits at the provider, by a name for them. Those of
 * the provider's own text are known (OpenAI's and Anthropic's dated snapshots, Claude Opus 4.x and Sonnet
 * 4.x); here go those that an account shares besides.
 */
export const families = v.pipe(
  named(labelName, v.pipe(v.array(modelName), v.minLength(1, 'must name at least one model'))),
  v.check((input) => {
    const models = Object.values(input).flat()
    return new Set(models).size === models.length
  }, 'must name each model once: it has one limit'),
)

export type Families = v.InferOutput<typeof families>

/**
 * `providers.NAME.credentials[].account`: credentials with the same name here are keys of one account and
 * meet its limits together; the first of them says what they are. Absent, each is an account of its own.
 */
export const account = labelName
