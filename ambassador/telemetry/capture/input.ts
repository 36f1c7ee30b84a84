import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject } from '#shared/dialects/usage.ts'
import { type Message, type Part, partsOf, resultOf, toolCalls } from './message.ts'

/** What a question says, in one form for all dialects. */
export interface Question {
  /** What stands apart from the messages; `messages` and `responses` alone have it. */
  readonly system: readonly Part[]
  readonly messages: readonly Message[]
}

type Json = Readonly<Record<string, unknown>>

/** Reads a question's body; empty where it holds no such thing. */
export function questionOf(dialect: Dialect, body: unknown): Question {
  if (!isObject(body)) return { system: [], messages: [] }
  if (dialect === 'responses') {
    const { input, instructions } = body
    return { system: partsOf(instructions), messages: itemsOf(input) }
  }
  if (dialect === 'chat' || dialect === 'messages') {
    const given: unknown[] = Array.isArray(body['messages']) ? body['messages'] : []
    return { system: partsOf(body['system']), messages: given.filter(isObject).map(messageOf) }
  }
  const { prompt, input } = body
  return { system: [], messages: [{ role: 'user', parts: partsOf(prompt ?? input) }] }
}

function messageOf({ role, content, tool_calls: calls, tool_call_id: id }: Json): Message {
  if (role === 'tool') {
    const response = resultOf(content)
    return { role, parts: [{ type: 'tool_call_response', id, response }] }
  }
  return { role: String(role), parts: [...partsOf(content), ...toolCalls(calls)] }
}

/** Items of the Responses API, questions and answers alike. */
export function itemsOf(input: unknown): Message[] {
  if (typeof input === 'string') return [{ role: 'user', parts: partsOf(input) }]
  const items: unknown[] = Array.isArray(input) ? input : []
  return items.filter(isObject).map((item) => {
    const { type, role = 'assistant', content, call_id: id, name, arguments: given, output } = item
    if (type === 'function_call') {
      return { role: 'assistant', parts: [{ type: 'tool_call', id, name, arguments: given }] }
    }
    if (type === 'function_call_output') {
      return {
        role: 'tool',
        parts: [{ type: 'tool_call_response', id, response: resultOf(output) }],
      }
    }
    const known = content === undefined ? [{ type: String(type).slice(0, 64) }] : partsOf(content)
    return { role: String(role), parts: known }
  })
}
