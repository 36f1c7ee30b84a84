import { countContent } from './content.ts'
import type { Counting } from './counting.ts'
import { each } from './each.ts'
import { countConversation, countFrame, roleOf } from './framing.ts'
import { addJson, addUnknownMembers } from './json.ts'
import { countOutputSchema } from './output-schema.ts'
import { steeringMembers } from './steering.ts'
import { countTools } from './tools.ts'
import { isList, isObject, type Json } from './value.ts'

const bodyMembers = new Set([
  ...steeringMembers,
  'messages',
  'system',
  'tools',
  'tool_choice',
  'output_config',
  'output_format',
])
const messageMembers = new Set(['role', 'content', 'id', 'cache_control'])

/** Adds a body of Anthropic's Messages. */
export function countAnthropicMessages(counting: Counting, body: Json): void {
  const { system, messages } = { system: body['system'], messages: body['messages'] }
  const hasSystem = system !== undefined && system !== null
  const hasMessages = isList(messages) && messages.length > 0
  if (hasSystem || !hasMessages) countConversation(counting, hasSystem ? 'system' : undefined)
  if (hasSystem) countSystem(counting, system)
  if (isList(messages)) {
    each(counting, messages, (message, index) => {
      if (index === 0 && !hasSystem) countConversation(counting, roleOf(message))
      countMessage(counting, message)
    })
  } else if (messages !== undefined) addJson(counting, 'unknown', messages)
  countTools(counting, {
    tools: body['tools'],
    choice: body['tool_choice'],
    hasSystem: () => hasSystem,
  })
  const config = body['output_config']
  countOutputSchema(counting, isObject(config) ? config['format'] : body['output_format'])
  addUnknownMembers(counting, body, bodyMembers)
}

/** Claude's frame around the system prompt is in that of the messages; a template has its own. */
function countSystem(counting: Counting, system: unknown): void {
  if (counting.family.framing.role === 'counted') countFrame(counting, 'system')
  countContent(counting, system, { what: 'text', depth: 0 })
}

function countMessage(counting: Counting, message: unknown): void {
  countFrame(counting, roleOf(message))
  if (!isObject(message)) return addJson(counting, 'unknown', message)
  countContent(counting, message['content'], { what: 'text', depth: 0 })
  addUnknownMembers(counting, message, messageMembers)
}
