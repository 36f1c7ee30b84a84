import { addText } from './add-text.ts'
import { countContent } from './content.ts'
import { addEstimate, type Counting } from './counting.ts'
import { each } from './each.ts'
import { countConversation, countFrame, roleOf } from './framing.ts'
import { addJson, addUnknownMembers } from './json.ts'
import { countOpaque } from './media.ts'
import { countOutputSchema } from './output-schema.ts'
import { steeringMembers } from './steering.ts'
import { countTools } from './tools.ts'
import { isList, isObject, isText, type Json } from './value.ts'

const bodyMembers = new Set([
  ...steeringMembers,
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'text',
  'previous_response_id',
  'conversation',
  'prompt',
])

/** Tokens of a history that only the provider holds: an assumption, since nothing tells them. */
const storedTokens = 2000

/**
 * Adds a body of the Responses interface. OpenAI publishes no rule for its frames and tools; those
 * of Chat stand in, as estimates.
 */
export function countResponses(chatCounting: Counting, body: Json): void {
  const counting = withGuessedFrames(chatCounting)
  const { input, instructions } = { input: body['input'], instructions: body['instructions'] }
  const hasInstructions = instructions !== undefined && instructions !== null
  const isConversation = isList(input) && input.length > 0
  if (hasInstructions) {
    countConversation(counting, 'system')
    countFrame(counting, 'system')
    countInstructions(counting, instructions)
  } else if (!isConversation) {
    countConversation(counting, input === undefined || isList(input) ? undefined : 'user')
  }
  countInput(counting, input, (first) => {
    if (!hasInstructions) countConversation(counting, roleOf(first))
  })
  for (const key of ['previous_response_id', 'conversation', 'prompt']) {
    const stored = body[key]
    if (stored === undefined || stored === null) continue
    addEstimate(counting, 'stored history', storedTokens)
    if (isObject(stored)) addJson(counting, 'stored history', stored)
  }
  countTools(counting, {
    tools: body['tools'],
    choice: body['tool_choice'],
    hasSystem: () => hasInstructions,
  })
  const text = body['text']
  countOutputSchema(counting, isObject(text) ? text['format'] : undefined)
  addUnknownMembers(counting, body, bodyMembers)
}

function withGuessedFrames(counting: Counting): Counting {
  const { family } = counting
  const framing = { ...family.framing, exactness: 'estimate' as const }
  const tools =
    family.tools.kind === 'json'
      ? family.tools
      : { ...family.tools, exactness: 'estimate' as const }
  return { ...counting, family: { ...family, framing, tools } }
}

function countInstructions(counting: Counting, instructions: unknown): void {
  if (isText(instructions)) addText(counting, 'text', instructions)
  else countInput(counting, instructions, () => {})
}

/** `onFirst` is told the first of a list, before it is counted. */
function countInput(counting: Counting, input: unknown, onFirst: (item: unknown) => void): void {
  if (input === undefined || input === null) return
  if (isList(input)) {
    return each(counting, input, (item, index) => {
      if (index === 0) onFirst(item)
      countItem(counting, item)
    })
  }
  countFrame(counting, 'user')
  countContent(counting, input, { what: 'text', depth: 0 })
}

/** Members of items that no model reads. */
const silentMembers = ['type', 'id', 'call_id', 'status', 'role', 'phase', 'agent', 'caller']

interface ItemRule {
  /** Members that are texts or contents, and what they are. */
  readonly contents: readonly string[]
  readonly what: 'text' | 'tool calls' | 'tool results' | 'reasoning'
  /** Whose message it is; undefined where the item says so. */
  readonly role: string | undefined
  readonly known: ReadonlySet<string>
}

function rule(
  contents: readonly string[],
  what: ItemRule['what'],
  role: string | undefined,
): ItemRule {
  return { contents, what, role, known: new Set([...silentMembers, ...contents]) }
}

const messageRule = rule(['content'], 'text', undefined)
const outputRule = rule(['output'], 'tool results', 'tool')
const reasoning = rule(['summary', 'content'], 'reasoning', 'assistant')

const itemRules: ReadonlyMap<unknown, ItemRule> = new Map<unknown, ItemRule>([
  ['message', messageRule],
  ['function_call', rule(['name', 'arguments'], 'tool calls', 'assistant')],
  ['custom_tool_call', rule(['name', 'input'], 'tool calls', 'assistant')],
  ['function_call_output', outputRule],
  ['custom_tool_call_output', outputRule],
  ['computer_call_output', outputRule],
  ['reasoning', { ...reasoning, known: new Set([...reasoning.known, 'encrypted_content']) }],
])

function ruleOf(item: unknown): ItemRule | undefined {
  if (!isObject(item)) return undefined
  // The type of a message may be left out.
  return itemRules.get(item['type'] ?? ('role' in item ? 'message' : undefined))
}

function countItem(counting: Counting, item: unknown): void {
  if (isObject(item) && item['type'] === 'item_reference') {
    return addEstimate(counting, 'stored history', storedTokens)
  }
  const rule = ruleOf(item)
  if (!isObject(item) || rule === undefined) {
    countFrame(counting, 'assistant')
    return addJson(counting, 'unknown', item)
  }
  countFrame(counting, rule.role ?? roleOf(item))
  for (const key of rule.contents) {
    const content = item[key]
    // A screenshot is one part that stands for a content.
    const parts = isObject(content) ? [content] : content
    countContent(counting, parts, { what: rule.what, depth: 0 })
  }
  if (item['type'] === 'reasoning') countEncrypted(counting, item)
  addUnknownMembers(counting, item, rule.known)
}

/** Encrypted reasoning holds the whole of it; with its text at hand it is not counted again. */
function countEncrypted(counting: Counting, item: Json): void {
  const hasText = isList(item['content']) && item['content'].length > 0
  const encrypted = item['encrypted_content']
  if (!hasText && isText(encrypted)) countOpaque(counting, encrypted)
}
