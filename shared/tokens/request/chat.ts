import { isObject } from '#shared/dialects/usage.ts'
import { countContent } from './content.ts'
import { addJson, addText, addUnknownMembers, type Counting } from './counting.ts'
import { addFraming, countConversation, countFrame, countName, roleOf } from './framing.ts'
import { countOutputSchema } from './output-schema.ts'
import { steeringMembers } from './steering.ts'
import { countTools } from './tools.ts'

type Json = Readonly<Record<string, unknown>>

const bodyMembers = new Set([
  ...steeringMembers,
  'messages',
  'tools',
  'functions',
  'tool_choice',
  'function_call',
  'response_format',
])

/** Adds a body of Chat Completions. */
export function countChat(counting: Counting, body: Json): void {
  const messages = body['messages']
  const tools = body['tools'] ?? body['functions']
  if (Array.isArray(messages)) countMessages(counting, messages, Array.isArray(tools))
  else if (messages !== undefined) addJson(counting, 'unknown', messages)
  countTools(counting, {
    tools,
    choice: body['tool_choice'] ?? body['function_call'],
    hasSystem: Array.isArray(messages) && messages.some((one) => roleOf(one) === 'system'),
  })
  countOutputSchema(counting, body['response_format'])
  addUnknownMembers(counting, body, bodyMembers)
}

function countMessages(counting: Counting, messages: readonly unknown[], hasTools: boolean): void {
  countConversation(counting, messages.length > 0 ? roleOf(messages[0]) : undefined)
  // Definitions follow the first system message on a line of their own.
  const joins = hasTools && counting.family.tools.kind === 'namespace'
  const joined = joins ? messages.findIndex((one) => roleOf(one) === 'system') : -1
  messages.forEach((message, index) => {
    countMessage(counting, index === joined ? withNewline(message) : message)
  })
}

function withNewline(message: unknown): unknown {
  if (!isObject(message)) return message
  const content = message['content']
  if (typeof content !== 'string' || content === '' || content.endsWith('\n')) return message
  return { ...message, content: `${content}\n` }
}

/** Ids join calls to results; no source says that a model reads them, so they are not counted. */
const messageMembers = new Set([
  'role',
  'content',
  'name',
  'refusal',
  'audio',
  'tool_calls',
  'tool_call_id',
  'function_call',
  'reasoning_content',
  'reasoning',
  'annotations',
  'id',
  'cache_control',
])

/** What a message of the former role `function` saves: hmarr/openai-chat-tokens, recorded counts. */
const functionRoleDiscount = 2

function countMessage(counting: Counting, message: unknown): void {
  const role = roleOf(message)
  const isFunction = role === 'function' && counting.family.tools.kind === 'namespace'
  countFrame(counting, role, isFunction ? functionRoleDiscount : 0)
  if (!isObject(message)) return addJson(counting, 'unknown', message)
  countName(counting, message['name'])
  const what = role === 'tool' || role === 'function' ? 'tool results' : 'text'
  countContent(counting, message['content'], { what, depth: 0 })
  countContent(counting, message['refusal'], { what: 'text', depth: 0 })
  const reasoning = message['reasoning_content'] ?? message['reasoning']
  countContent(counting, reasoning, { what: 'reasoning', depth: 0 })
  countCalls(counting, message)
  // An earlier spoken answer is named by its id; its transcript is not in the request.
  if (isObject(message['audio'])) addJson(counting, 'unknown', message['audio'])
  addUnknownMembers(counting, message, messageMembers)
}

/** Around a call: the recorded counts for `function_call`; for `tool_calls` nothing is published. */
const aroundCall = 3

function countCalls(counting: Counting, message: Json): void {
  const former = message['function_call']
  if (isObject(former)) {
    addFraming(counting, aroundCall)
    countCall(counting, former)
  } else if (former !== undefined && former !== null) addJson(counting, 'tool calls', former)
  const calls = message['tool_calls']
  if (calls === undefined || calls === null) return
  if (!Array.isArray(calls)) return addJson(counting, 'tool calls', calls)
  for (const call of calls) {
    if (!isObject(call) || !isObject(call['function'])) addJson(counting, 'tool calls', call)
    else {
      counting.tally.add({ what: 'tool calls', tokens: aroundCall, exactness: 'estimate' })
      countCall(counting, call['function'])
    }
  }
}

function countCall(counting: Counting, call: Json): void {
  for (const key of ['name', 'arguments']) {
    const value = call[key]
    if (typeof value === 'string') addText(counting, 'tool calls', value)
    else if (value !== undefined) addJson(counting, 'tool calls', value)
  }
}
