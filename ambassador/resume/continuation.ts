import type { Dialect } from '#shared/dialects/surfaces.ts'
import { scanTopLevel, type ValueRange, withMembers } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'
import { endsInsideStop, isResumable, type Members } from './question-rules.ts'

/** A question as the caller put it. */
export interface Question {
  readonly body: Buffer
  readonly dialect: Dialect
  /** Where the members stand that an attempt may have to change. */
  readonly values: ReadonlyMap<string, ValueRange>
  /** Tokens to which the sidecar caps each answer. */
  readonly outputCap: number | undefined
}

/** The same question with the answer so far, for another server. */
export type Continuation = Omit<Question, 'dialect'> & {
  /** What of the text passed on is not in it: the server says it again. */
  readonly pending: string
}

/** What was passed on of an answer. */
export interface Passed {
  readonly text: string
  readonly tokens: number
}

const boundKeys = ['max_tokens', 'max_completion_tokens', 'min_tokens']
const ownKeys = ['messages', 'prompt', 'continue_final_message', 'add_generation_prompt']

/**
 * The question that asks for the rest of an answer; `complete` where it may have no further token,
 * undefined where another server would not go on as this one would have. Reads the whole question.
 */
export function continuationOf(
  question: Question,
  passed: Passed,
): Continuation | 'complete' | undefined {
  const { body, dialect } = question
  const members = parsed(body)
  if (members === undefined || !isResumable(members, dialect)) return undefined
  if (endsInsideStop(passed.text, members['stop'])) return undefined
  const bounds = reducedBounds(members, question, passed.tokens)
  if (bounds === 'complete' || bounds === undefined) return bounds
  const { values } = scanTopLevel(body, [...question.values.keys(), ...boundKeys, ...ownKeys])
  const said = dialect === 'completions' ? passed.text : passed.text.trimEnd()
  const edits = { ...bounds.members, ...withText({ body, members, values, dialect }, said) }
  const changed = withMembers(body, values, edits)
  return {
    body: changed,
    values: scanTopLevel(changed, [...question.values.keys(), ...boundKeys]).values,
    outputCap: bounds.outputCap,
    pending: passed.text.slice(said.length),
  }
}

interface Bounds {
  readonly members: Readonly<Record<string, string>>
  readonly outputCap: number | undefined
}

function reducedBounds(
  members: Members,
  { dialect, outputCap }: Question,
  tokens: number,
): Bounds | 'complete' | undefined {
  const reduced: Record<string, string> = {}
  let hasBound = outputCap !== undefined
  for (const key of boundKeys) {
    const bound = members[key]
    if (bound === null || bound === undefined) continue
    if (typeof bound !== 'number' || !Number.isSafeInteger(bound)) return undefined
    const isLeast = key === 'min_tokens'
    if (!isLeast && bound - tokens < 1) return 'complete'
    if (!isLeast) hasBound = true
    if (tokens > 0) reduced[key] = String(Math.max(0, bound - tokens))
  }
  // Of a completion without a bound the server has its own, 16 tokens: not worth a second one.
  if (dialect === 'completions' && !hasBound) return undefined
  if (outputCap !== undefined && outputCap - tokens < 1) return 'complete'
  return { members: reduced, outputCap: outputCap === undefined ? undefined : outputCap - tokens }
}

interface Asked {
  readonly body: Buffer
  readonly members: Members
  readonly values: ReadonlyMap<string, ValueRange>
  readonly dialect: Dialect
}

/**
 * `text` is without white space at its end in a chat: many templates trim a turn, and the server
 * would begin with what has been passed on already. The caller's own turns keep their bytes, by which
 * the other server may know them.
 */
function withText({ body, members, values, dialect }: Asked, text: string): Record<string, string> {
  if (text === '') return {}
  if (dialect === 'completions') {
    return { prompt: JSON.stringify(`${String(members['prompt'])}${text}`) }
  }
  const range = values.get('messages')
  if (range === undefined) return {}
  const turns = body.toString('utf8', range.start, range.end - 1)
  const turn = JSON.stringify({ role: 'assistant', content: text })
  return {
    messages: `${turns},${turn}]`,
    continue_final_message: 'true',
    add_generation_prompt: 'false',
  }
}

function parsed(body: Buffer): Members | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    // The first server has read it otherwise than we would.
    return undefined
  }
}
