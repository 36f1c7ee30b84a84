import { shortValueAt, withMembers } from '#shared/dialects/top-level.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { SidecarCall } from '../call.ts'

/** Where each dialect says how long an answer may be; the first is set where none is said. */
const keys = {
  chat: ['max_completion_tokens', 'max_tokens'],
  completions: ['max_tokens'],
  messages: ['max_tokens'],
  responses: ['max_output_tokens'],
  embeddings: [],
} as const

/** Members of a question that cap its answer. */
export const capKeys: readonly string[] = [...new Set(Object.values(keys).flat())]

/** The same request with answers of at most `tokens`; a lower wish of the caller stays. */
export function capOutput(request: CallRequest, context: SidecarCall, tokens: number): CallRequest {
  const { dialect = 'chat', wants } = context.surface ?? {}
  const names = keys[dialect]
  const [first] = names
  // What is only counted has no answer: Anthropic refuses the member there.
  if (first === undefined || wants === 'count') return request
  const { members: values } = context
  const said = names.filter((name) => values.has(name))
  const members: Record<string, string> = {}
  for (const name of said.length > 0 ? said : [first]) {
    const wished = shortValueAt(request.body, values.get(name))
    if (typeof wished !== 'number' || wished > tokens) members[name] = String(tokens)
  }
  return { ...request, body: withMembers(request.body, values, members) }
}
