import { scanTopLevel, valueAt } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'
import { meaningOf } from './grammar.ts'
import type { Meaning } from './meaning.ts'

type Json = Readonly<Record<string, unknown>>

/** What a whole response says of itself. */
export interface WholeResponse {
  readonly meaning: Meaning
  /** Under way in the background: its usage is not known yet. */
  readonly isPending: boolean
  readonly model: string | undefined
  readonly usage: Json | undefined
  readonly tier: unknown
}

/** Short members: `output` and the question's own, which it repeats, are skipped. */
const short = [
  'object',
  'status',
  'error',
  'incomplete_details',
  'model',
  'usage',
  'service_tier',
] as const

/**
 * Reads a response by its top-level members: those of its output, its tools and its metadata may have
 * the same names. Throws `NotAnObject`; a body that is broken inside a value may pass. Linear.
 */
export function readResponse(whole: Buffer): WholeResponse {
  const { values } = scanTopLevel(whole, [...short, 'output'])
  const members: Record<string, unknown> = {}
  for (const name of short) members[name] = valueAt(whole, values.get(name))
  const { model, status, usage } = members
  const output = mayBeEmpty(usage) ? { output: valueAt(whole, values.get('output')) } : {}
  return {
    meaning: meaningOf('responses', { ...members, ...output, object: 'response' }),
    isPending: status === 'queued' || status === 'in_progress',
    model: typeof model === 'string' ? model : undefined,
    usage: isObject(usage) ? usage : undefined,
    tier: members['service_tier'],
  }
}

/** Only then the output is looked at. */
function mayBeEmpty(usage: unknown): boolean {
  return isObject(usage) && usage['output_tokens'] === 0
}
