import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject } from '#shared/dialects/usage.ts'

/** What one event adds to an answer that is text alone. */
export interface Delta {
  readonly text: string
  readonly hasRole: boolean
  /** Whether it names the reason of the end. */
  readonly isLast: boolean
}

/**
 * Reads the only choice of an event. Undefined where it holds anything beside text: a tool's call,
 * reasoning, a refusal, log-probabilities or what is not known.
 */
export function deltaText(dialect: Dialect, choice: unknown): Delta | undefined {
  if (!isObject(choice) || (choice['index'] ?? 0) !== 0 || isFilled(choice['logprobs'])) {
    return undefined
  }
  const isLast = typeof choice['finish_reason'] === 'string'
  if (dialect === 'completions') {
    const { text } = choice
    return typeof text === 'string' ? { text, hasRole: false, isLast } : undefined
  }
  const { delta } = choice
  if (!isObject(delta)) return undefined
  let text = ''
  for (const [key, value] of Object.entries(delta)) {
    if (key === 'role') continue
    if (key === 'content' && typeof value === 'string') text = value
    else if (isFilled(value)) return undefined
  }
  return { text, hasRole: typeof delta['role'] === 'string', isLast }
}

function isFilled(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false
  return !Array.isArray(value) || value.length > 0
}
