import { IdCache } from './id-cache.ts'
import { isList, isObject, type Json } from './json.ts'
import type { ChatFacts } from './prompt-facts.ts'

/** Asks the replica at hand; undefined where it refuses the prompt. */
export type AskIds = (facts: ChatFacts) => Promise<Uint32Array | undefined>

/** Of conversations in which all that was said is one letter. */
const framesBytesMax = 1024 * 1024

/**
 * Tokens that messages add to a conversation whose earlier tokens are known, without its earlier text:
 * the earlier messages are sent as their frames alone, with one letter each. It holds for templates that
 * write a message the same whatever was said before; {@link RemoteTokens} finds out for which it does.
 */
export class GrownConversation {
  readonly #ask: AskIds
  readonly #frames = new IdCache(framesBytesMax)

  constructor(ask: AskIds) {
    this.#ask = ask
  }

  /**
   * Ids behind those of the first `seen` messages. Undefined where they cannot be told apart from
   * them. Rejects as the replica does.
   */
  async added(facts: ChatFacts, seen: number): Promise<Uint32Array | undefined> {
    const earlier = facts.messages.slice(0, seen)
    // Templates leave out the thoughts of earlier turns, which a frame does not show.
    if (earlier.some(hasThoughts)) return undefined
    const frames = earlier.map(frameOf)
    const tools = facts.tools === undefined ? undefined : [frameTool]
    const before = await this.#framesOnly({ ...facts, messages: frames, tools })
    if (before === undefined) return undefined
    const messages = [...frames, ...facts.messages.slice(seen)]
    const all = await this.#ask({ ...facts, messages, tools })
    return all === undefined || !beginsWith(all, before) ? undefined : all.slice(before.length)
  }

  async #framesOnly(facts: ChatFacts): Promise<Uint32Array | undefined> {
    const key = JSON.stringify([facts.messages, facts.tools !== undefined])
    const known = this.#frames.find(key)
    if (known !== undefined) return known
    const ids = await this.#ask({ ...facts, addsGenerationPrompt: false })
    if (ids !== undefined) this.#frames.add(key, ids)
    return ids
  }
}

const frameTool: Json = {
  type: 'function',
  function: { name: 'x', parameters: { type: 'object', properties: {} } },
}

/** A message of the same kind that says next to nothing. */
function frameOf(message: Json): Json {
  const { role, name, tool_call_id: id, tool_calls: calls } = message
  return {
    role,
    content: 'x',
    ...(name === undefined ? {} : { name }),
    ...(id === undefined ? {} : { tool_call_id: id }),
    ...(isList(calls) ? { tool_calls: calls.map(frameCall) } : {}),
  }
}

function frameCall(call: unknown): Json {
  const id = isObject(call) ? call['id'] : undefined
  return { id, type: 'function', function: { name: 'x', arguments: '{}' } }
}

function hasThoughts({ content, reasoning, reasoning_content: former }: Json): boolean {
  if (reasoning !== undefined || former !== undefined) return true
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return text?.includes('</think>') ?? false
}

export function beginsWith(ids: Uint32Array, start: Uint32Array): boolean {
  return start.length <= ids.length && start.every((id, at) => ids[at] === id)
}

/** `ids` without `end`; undefined where they do not end so. */
export function withoutEnd(ids: Uint32Array, end: Uint32Array): Uint32Array | undefined {
  const from = ids.length - end.length
  return from >= 0 && end.every((id, at) => ids[from + at] === id) ? ids.slice(0, from) : undefined
}
