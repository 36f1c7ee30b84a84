import type { Dialect } from '#shared/dialects/surfaces.ts'
import { shortValueAt, type ValueRange } from '#shared/dialects/top-level.ts'
import { promptsIn } from './prompts-in.ts'

interface OutputWords {
  /** Members that say how long an answer may get: no other one binds a provider. */
  readonly maximum: readonly string[]
  /** Members that ask for several answers to one question. */
  readonly repeats: readonly string[]
}

const words: Readonly<Record<Dialect, OutputWords>> = {
  chat: { maximum: ['max_tokens', 'max_completion_tokens'], repeats: ['n', 'best_of'] },
  completions: { maximum: ['max_tokens'], repeats: ['n', 'best_of'] },
  messages: { maximum: ['max_tokens'], repeats: [] },
  // One answer in all, whatever calls of tools are part of it.
  responses: { maximum: ['max_output_tokens'], repeats: [] },
  embeddings: { maximum: [], repeats: [] },
}

/** Members of a question's body that {@link askedOutput} reads. */
export const outputKeys: readonly string[] = [
  ...new Set(Object.values(words).flatMap(({ maximum, repeats }) => [...maximum, ...repeats])),
  'prompt',
]

/** Beyond it a number is a mistake or an attack: no model writes a billion tokens. */
const tokensMax = 1_000_000_000

export interface Question {
  readonly dialect: Dialect
  readonly body: Buffer
  /** Where the members stand that {@link outputKeys} names. */
  readonly values: ReadonlyMap<string, ValueRange>
  /** Tokens to which each answer is capped on its way to the provider. */
  readonly cap?: number | undefined
}

/**
 * The most output tokens that the question lets the provider generate, all its answers together, to
 * each of its prompts; for each its maximum, at most the cap, or else `reserve`. What is no positive
 * whole number is not believed: the provider refuses it.
 */
export function askedOutput(question: Question, reserve: number): number {
  const { dialect, body, values, cap } = question
  if (dialect === 'embeddings') return 0
  const { maximum: maximumKeys, repeats: repeatKeys } = words[dialect]
  const stated = (key: string) => positive(shortValueAt(body, values.get(key)))
  const maximum = Math.max(0, ...maximumKeys.map((key) => stated(key) ?? 0))
  const repeats = Math.max(1, ...repeatKeys.map((key) => stated(key) ?? 1))
  const each = maximum > 0 ? Math.min(maximum, cap ?? maximum) : (cap ?? reserve)
  const prompts = dialect === 'completions' ? promptsIn(body, values.get('prompt')) : 1
  return Math.min(tokensMax, each * repeats * prompts)
}

/** The members by which the question asks for output, with what each says. */
export function outputMembers({ dialect, body, values }: Question): Map<string, number> {
  const { maximum, repeats } = words[dialect]
  return new Map(
    [...repeats, ...maximum].flatMap((name) => {
      const said = positive(shortValueAt(body, values.get(name)))
      return said === undefined ? [] : [[name, said]]
    }),
  )
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}
