import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isList, isObject, type Json } from './json.ts'
import { hasManyValues } from './many-values.ts'
import { hasOddTools } from './odd-numbers.ts'

/** A conversation that a chat template turns into the prompt. */
export interface ChatFacts {
  readonly kind: 'chat'
  readonly messages: readonly Json[]
  /** Undefined where there are none. */
  readonly tools: readonly Json[] | undefined
  /** `chat_template_kwargs`; empty where there are none. */
  readonly templateOptions: Json
  readonly addsGenerationPrompt: boolean
  readonly continuesLast: boolean
  readonly addsSpecialTokens: boolean
}

/** A prompt of Completions. */
export interface TextFacts {
  readonly kind: 'text'
  readonly text: string
  readonly addsSpecialTokens: boolean
}

/** Ids that the caller has made. */
export interface IdsFacts {
  readonly kind: 'ids'
  readonly ids: Uint32Array
}

/** A prompt of which nobody here can tell the tokens: only its beginning is compared with others. */
export interface OpaqueFacts {
  readonly kind: 'opaque'
  /** Of the conversation, as far as there is one; `system` of Messages before it. */
  readonly messages: readonly unknown[]
  readonly tools: unknown
  /** What else is before the messages in the model's eyes. */
  readonly rest: unknown
}

/** What a call asks a model, as far as it becomes tokens. */
export type PromptFacts = ChatFacts | TextFacts | IdsFacts | OpaqueFacts

/**
 * What the body of a call asks. Linear, about 3 ms for 1 MB. Undefined where it has no prompt or is no
 * JSON object, which the replica refuses, and where it has too many values to be read between other calls.
 */
export function readPrompt(dialect: Dialect, body: Buffer): PromptFacts | undefined {
  const parsed = hasManyValues(body) ? undefined : parse(body)
  if (!isObject(parsed)) return undefined
  if (dialect === 'completions') return completionFacts(parsed)
  if (dialect === 'responses') return responsesFacts(parsed)
  const messages = parsed['messages']
  if (!isList(messages)) return undefined
  if (dialect !== 'chat') return opaque(messages, parsed)
  return chatFacts(messages, parsed, body) ?? opaque(messages, parsed)
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    // The replica says what is wrong with it.
    return undefined
  }
}

/** Members of a body that change the prompt in a way that is not followed here. */
const foreign = [
  'chat_template',
  'documents',
  'reasoning_effort',
  'mm_processor_kwargs',
  'media_io_kwargs',
  'truncate_prompt_tokens',
  'functions',
  'function_call',
  'prompt_embeds',
]

/** More are rendered no more: 1,000 take a template up to 15 ms. */
const messagesMax = 1_024

function chatFacts(messages: readonly unknown[], body: Json, bytes: Buffer): ChatFacts | undefined {
  if (foreign.some((name) => isGiven(body[name])) || messages.length > messagesMax) return undefined
  const objects = messages.filter(isObject)
  if (objects.length < messages.length || !objects.every(isPlain)) return undefined
  const tools = toolsOf(body)
  const options = body['chat_template_kwargs'] ?? {}
  if (tools === 'odd' || !isObject(options)) return undefined
  if (tools !== undefined && hasOddTools(bytes)) return undefined
  return {
    kind: 'chat',
    messages: objects,
    tools,
    templateOptions: options,
    addsGenerationPrompt: body['add_generation_prompt'] !== false,
    continuesLast: body['continue_final_message'] === true,
    addsSpecialTokens: body['add_special_tokens'] === true,
  }
}

/** `tool_choice: "none"` may take them away, which is a flag of the server. */
function toolsOf(body: Json): readonly Json[] | undefined | 'odd' {
  const tools = body['tools']
  if (!isGiven(tools) || (isList(tools) && tools.length === 0)) return undefined
  if (!isList(tools) || body['tool_choice'] === 'none') return 'odd'
  const objects = tools.filter(isObject)
  return objects.length === tools.length ? objects : 'odd'
}

/** Whether all of a message is text, or calls of tools that can be read. */
function isPlain(message: Json): boolean {
  const { role, content, tool_calls: calls } = message
  if (typeof role !== 'string' || !isText(content)) return false
  if (isGiven(message['function_call']) || isGiven(message['audio'])) return false
  return !isGiven(calls) || (isList(calls) && calls.every(isCall))
}

function isText(content: unknown): boolean {
  if (content === undefined || content === null || typeof content === 'string') return true
  return isList(content) && content.every(isTextPart)
}

function isTextPart(part: unknown): boolean {
  return isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string'
}

function isCall(call: unknown): boolean {
  if (!isObject(call) || !isObject(call['function'])) return false
  const { name, arguments: given } = call['function']
  return typeof name === 'string' && (!isGiven(given) || typeof given === 'string')
}

function completionFacts(body: Json): PromptFacts | undefined {
  const prompt = body['prompt']
  if (!isGiven(prompt)) return undefined
  const isForeign = foreign.some((name) => isGiven(body[name])) || isGiven(body['suffix'])
  if (typeof prompt === 'string' && !isForeign) {
    const addsSpecialTokens = body['add_special_tokens'] !== false
    return { kind: 'text', text: prompt, addsSpecialTokens }
  }
  const ids = isForeign ? undefined : idsOf(prompt)
  return ids === undefined ? opaque([], prompt) : { kind: 'ids', ids }
}

/** Ids of one prompt; of several prompts each is a sequence of its own. */
export function idsOf(value: unknown): Uint32Array | undefined {
  if (!isList(value) || value.length === 0) return undefined
  const ids = new Uint32Array(value.length)
  for (const [at, id] of value.entries()) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 0xffff_ffff) return
    ids[at] = id
  }
  return ids
}

/** Members of Responses besides its tools that stand before the input in the prompt. */
const ahead = ['previous_response_id', 'conversation', 'previous_response', 'reasoning']

/** How items become a conversation differs from server to server: their beginning is compared. */
function responsesFacts(body: Json): OpaqueFacts | undefined {
  const { input, instructions, tools } = body
  if (typeof input !== 'string' && !isList(input)) return undefined
  const items = isList(input) ? input : [{ role: 'user', content: input }]
  const system = isGiven(instructions) ? [{ role: 'system', content: instructions }] : []
  const rest = ahead.filter((name) => isGiven(body[name])).map((name) => [name, body[name]])
  return {
    kind: 'opaque',
    messages: [...system, ...items],
    tools: tools ?? undefined,
    rest: rest.length === 0 ? undefined : rest,
  }
}

function opaque(messages: readonly unknown[], body: unknown): OpaqueFacts {
  if (!isObject(body)) return { kind: 'opaque', messages, tools: undefined, rest: body }
  const system = body['system']
  const all = isGiven(system) ? [{ role: 'system', content: system }, ...messages] : messages
  const rest = [...foreign, 'chat_template_kwargs']
    .filter((name) => isGiven(body[name]) && name !== 'truncate_prompt_tokens')
    .map((name) => [name, body[name]])
  return {
    kind: 'opaque',
    messages: all,
    tools: body['tools'] ?? undefined,
    rest: rest.length === 0 ? undefined : rest,
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
