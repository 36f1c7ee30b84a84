import { isList, isObject, type Json } from './json.ts'
import { hasOddNumbers } from './odd-numbers.ts'
import type { ChatFacts } from './prompt-facts.ts'

/** A compiled chat template. */
export interface ChatTemplate {
  /** The prompt. Throws whatever the template throws, as for roles that it does not know. */
  render(variables: Json): string
}

/** How a server hands the template a content: as one text, or as its parts. */
export type ContentFormat = 'string' | 'openai'

/**
 * The prompt of a conversation, as vLLM has it made (0.32, `chat_utils.py`, `protocol.py`): contents of
 * one form, arguments of calls as values, tools with all the members that they can have.
 *
 * @param tokens `bos_token` and its like by name: a template may write them.
 */
export function renderChat(
  template: ChatTemplate,
  facts: ChatFacts,
  { format, tokens }: { readonly format: ContentFormat; readonly tokens: Json },
): string {
  return template.render({
    ...tokens,
    messages: facts.messages.map((message) => messageOf(message, format)),
    ...(facts.tools === undefined ? {} : { tools: facts.tools.map(toolOf) }),
    add_generation_prompt: facts.addsGenerationPrompt,
    ...facts.templateOptions,
  })
}

function messageOf(message: Json, format: ContentFormat): Json {
  const { role } = message
  // Results of tools are one text to every template.
  const content = contentOf(message['content'], role === 'tool' ? 'string' : format)
  const made: Record<string, unknown> = { role, content }
  const reasoning = message['reasoning'] ?? message['reasoning_content']
  if (role === 'assistant') {
    const calls = message['tool_calls']
    if (isList(calls) && calls.length > 0) made['tool_calls'] = calls.map(callOf)
    if (typeof reasoning === 'string') {
      made['reasoning'] = reasoning
      made['reasoning_content'] = reasoning
    }
  }
  if (role === 'tool' && message['tool_call_id'] !== undefined) {
    made['tool_call_id'] = message['tool_call_id']
  }
  for (const name of ['name', 'task']) {
    if (typeof message[name] === 'string') made[name] = message[name]
  }
  if (role === 'developer') made['tools'] = message['tools'] ?? null
  return made
}

function contentOf(content: unknown, format: ContentFormat): unknown {
  const parts = isList(content) ? content.filter(isObject) : partsOf(content)
  if (format === 'openai') return parts.map(({ text }) => ({ type: 'text', text }))
  return parts.map(({ text }) => text).join('\n')
}

function partsOf(content: unknown): readonly Json[] {
  return typeof content === 'string' ? [{ text: content }] : []
}

/** Members in this order: a template may write a call as JSON. */
function callOf(call: unknown): Json {
  const { id, type = 'function', function: asked } = isObject(call) ? call : {}
  const { name, arguments: given } = isObject(asked) ? asked : {}
  return { id, type, function: { name, arguments: argumentsOf(given) } }
}

/**
 * Throws for arguments that are no JSON, of which versions make different things, and for numbers that
 * Python would write differently.
 */
function argumentsOf(given: unknown): unknown {
  if (typeof given !== 'string') return {}
  if (hasOddNumbers(given)) throw new Error('Cannot render: a number of a call is written oddly')
  return JSON.parse(given)
}

/** A server's model of a tool has these members first, and null where nothing was given. */
function toolOf(tool: Json): Json {
  const { type = 'function', function: asked, ...rest } = tool
  const { name, description = null, parameters = null, ...more } = isObject(asked) ? asked : {}
  return { type, function: { name, description, parameters, ...more }, ...rest }
}
