import type { Dialect } from '#shared/dialects/surfaces.ts'
import { shortValueAt, type ValueRange } from '#shared/dialects/top-level.ts'
import type { OutputFacts } from '../providers/profile.ts'

/** A question, and the most output tokens that each of its answers may have. */
export interface Bounded {
  readonly body: Buffer
  /** Where its members stand. */
  readonly values: ReadonlyMap<string, ValueRange>
  readonly dialect: Dialect
  readonly tokensMax: number
}

/** Members that bound an answer, in dialects that have answers to bound. */
const members: Readonly<Record<Dialect, readonly string[]>> = {
  chat: ['max_completion_tokens', 'max_tokens'],
  completions: ['max_tokens'],
  messages: ['max_tokens'],
  responses: ['max_output_tokens'],
  embeddings: [],
}

/**
 * Members of the body, with their JSON, by which no answer is longer than `tokensMax`: those in which
 * the caller has named a bound, lowered where it is higher, or the provider's own where it has named
 * none. What is no count of tokens bounds nothing everywhere (a server of one's own may take -1 for
 * "no end") and is replaced. Empty where nothing has to change.
 */
export function boundMembers(
  { body, values, dialect, tokensMax }: Bounded,
  { member, other }: OutputFacts,
): Readonly<Record<string, string>> {
  const names = members[dialect]
  const own = names.includes(member) ? member : names[0]
  if (own === undefined) return {}
  const said = new Map<string, number>()
  const bounds: Record<string, string> = {}
  for (const name of names) {
    const wished = shortValueAt(body, values.get(name))
    if (wished === undefined || wished === null) continue
    const bound = isCount(wished) ? Math.min(wished, tokensMax) : tokensMax
    if (bound !== wished) bounds[name] = String(bound)
    said.set(name, bound)
  }
  if (said.size === 0) return { [own]: String(tokensMax) }
  if (other === 'ignored' && !said.has(own)) bounds[own] = String(Math.min(...said.values()))
  return bounds
}

/** Zero is one: Anthropic's dialect asks so for nothing but a warm cache. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
