import { addText } from './add-text.ts'
import { countContent } from './content.ts'
import { addEstimate, type Counting } from './counting.ts'
import { each } from './each.ts'
import { addFraming, countConversation, countFrame, countName, roleOf } from './framing.ts'
import { addJson, addUnknownMembers } from './json.ts'
import { countOutputSchema } from './output-schema.ts'
import { steeringMembers } from './steering.ts'
import { countTools } from './tools.ts'
import { isList, isObject, isText, type Json, type List } from './value.ts'

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
  let hasSystem = false
  const onSystem = () => {
    hasSystem = true
  }
  if (isList(messages)) countMessages(counting, messages, { hasTools: isList(tools), onSystem })
  else {
    countConversation(counting, undefined)
    if (messages !== undefined) addJson(counting, 'unknown', messages)
  }
  countTools(counting, {
    tools,
    choice: body['tool_choice'] ?? body['function_call'],
    hasSystem: () => hasSystem,
  })
  countOutputSchema(counting, body['response_format'])
  addUnknownMembers(counting, body, bodyMembers)
}

interface Surroundings {
  readonly hasTools: boolean
  readonly onSystem: () => void
}

function countMessages(
  counting: Counting,
  messages: List,
  { hasTools, onSystem }: Surroundings,
): void {
  if (messages.length === 0) countConversation(counting, undefined)
  // Definitions follow the first system message on a line of their own.
  let joins = hasTools && counting.family.tools.kind === 'namespace'
  each(counting, messages, (message, index) => {
    const role = roleOf(message)
    if (index === 0) countConversation(counting, role)
    const isSystem = role === 'system'
    if (isSystem) onSystem()
    countMessage(counting, isSystem && joins ? withNewline(message) : message, role)
    if (isSystem) joins = false
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

function countMessage(counting: Counting, message: unknown, role: string): void {
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
  if (!isList(calls)) return addJson(counting, 'tool calls', calls)
  each(counting, calls, (call) => {
    if (!isObject(call) || !isObject(call['function'])) addJson(counting, 'tool calls', call)
    else {
      addEstimate(counting, 'tool calls', aroundCall)
      countCall(counting, call['function'])
    }
  })
}

function countCall(counting: Counting, call: Json): void {
  for (const key of ['name', 'arguments']) {
    const value = call[key]
    if (isText(value)) addText(counting, 'tool calls', value)
    else if (value !== undefined) addJson(counting, 'tool calls', value)
  }
}
