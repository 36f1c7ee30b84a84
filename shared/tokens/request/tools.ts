import { isObject } from '#shared/dialects/usage.ts'
import { cookbookTokens, schemaMembers } from './cookbook-tools.ts'
import { addEstimate, addJson, type Counting, jsonTokens, textTokens } from './counting.ts'
import type { ToolRule } from './family.ts'
import { type Definition, renderNamespace } from './tool-namespace.ts'

/** What a request says about tools, wherever its dialect puts it. */
export interface ToolRequest {
  /** `tools`, or the former `functions`. */
  readonly tools: unknown
  /** `tool_choice`, or the former `function_call`. */
  readonly choice: unknown
  /** A system message shares its frame with the definitions of functions. */
  readonly hasSystem: boolean
}

/** Adds the definitions of tools and the choice among them. */
export function countTools(counting: Counting, request: ToolRequest): void {
  const { tools } = request
  if (tools === undefined || tools === null) return
  if (!Array.isArray(tools)) return addJson(counting, 'tools', tools)
  if (tools.length === 0) return
  const list: readonly unknown[] = tools
  const rule = counting.family.tools
  if (rule.kind === 'anthropic') return countAnthropic(counting, rule, { ...request, tools: list })
  if (rule.kind === 'json') {
    addEstimate(counting, 'tools', rule.overhead)
    for (const tool of list) addJson(counting, 'tools', tool)
    return countChoice(counting, request.choice, 'estimate')
  }
  const definitions = list.map(definitionOf).filter((one) => one !== undefined)
  for (const tool of list) {
    // Hosted and custom tools bring instructions that are not published.
    if (definitionOf(tool) === undefined) addJson(counting, 'tools', tool)
  }
  if (definitions.length > 0) countDefinitions(counting, rule, { definitions, request })
  countChoice(counting, request.choice, rule.exactness)
}

/**
 * A function of the chat form, of the flat Responses form, of the former `functions` or of Messages;
 * undefined where its members are not what the rules read.
 */
function definitionOf(tool: unknown): Definition | undefined {
  if (!isObject(tool)) return undefined
  const type = tool['type']
  const schema = tool['input_schema']
  const hasName = typeof tool['name'] === 'string'
  if (hasName && isObject(schema)) return { ...tool, parameters: schema }
  if (type !== undefined && type !== 'function') return undefined
  const definition = isObject(tool['function']) ? tool['function'] : tool
  const parameters = definition['parameters'] ?? undefined
  const isReadable = parameters === undefined || isObject(parameters)
  return typeof definition['name'] === 'string' && isReadable ? definition : undefined
}

/**
 * Tokens around the namespace, and what is saved where a system message stands before it. Source:
 * https://github.com/hmarr/openai-chat-tokens, recorded counts of gpt-3.5-turbo.
 */
const aroundNamespace = 9
const savedBySystem = 4

function countDefinitions(
  counting: Counting,
  rule: Extract<ToolRule, { kind: 'namespace' | 'cookbook' }>,
  { definitions, request }: { definitions: readonly Definition[]; request: ToolRequest },
): void {
  const { exactness } = rule
  if (rule.kind === 'namespace') {
    const saved = request.hasSystem ? savedBySystem : 0
    const tokens = textTokens(counting, renderNamespace(definitions)) + aroundNamespace - saved
    counting.tally.add({ what: 'tools', tokens, exactness })
    for (const definition of definitions) addUnrendered(counting, definition)
    return
  }
  const { tokens, beyond } = cookbookTokens(counting, definitions)
  counting.tally.add({ what: 'tools', tokens, exactness })
  addEstimate(counting, 'tools', beyond)
}

/** Adds, by its JSON, what the namespace says nothing of: references and unions. */
function addUnrendered(counting: Counting, definition: Definition): void {
  const schema = isObject(definition['parameters']) ? definition['parameters'] : {}
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  const rest = [
    ...Object.entries(schema).filter(([key]) => !schemaMembers.has(key)),
    ...properties.filter(([, one]) => !isObject(one) || typeof one['type'] !== 'string'),
  ]
  if (rest.length > 0) addJson(counting, 'tools', Object.fromEntries(rest))
}

/** Tokens of `none` and around the name of a forced function, from the same recorded counts. */
const choiceOfNone = 1
const aroundForcedName = 4

function countChoice(
  counting: Counting,
  choice: unknown,
  exactness: 'exact' | 'formula' | 'estimate',
): void {
  // The former `function_call` names a function without a type.
  const word = isObject(choice) ? (choice['type'] ?? 'function') : choice
  if (word === undefined || word === null || word === 'auto') return
  if (word === 'none') {
    return counting.tally.add({ what: 'tool choice', tokens: choiceOfNone, exactness })
  }
  const name = forcedName(choice)
  if (name === undefined) return addJson(counting, 'tool choice', choice)
  const tokens = aroundForcedName + textTokens(counting, name)
  counting.tally.add({ what: 'tool choice', tokens, exactness })
}

function forcedName(choice: unknown): string | undefined {
  if (!isObject(choice)) return undefined
  const holder = isObject(choice['function']) ? choice['function'] : choice
  return typeof holder['name'] === 'string' ? holder['name'] : undefined
}

/**
 * Additional tokens of the tools that Anthropic defines, by the start of their type. Source: its
 * pricing page, where the bash tool has 244 to 325 by model (the higher stands here) and the
 * toolsets of computer and browser about theirs. All are estimates.
 */
const definedTools: readonly (readonly [type: string, tokens: number])[] = [
  ['bash', 325],
  ['text_editor', 700],
  ['computer', 4500],
  ['browser', 6600],
]

function countAnthropic(
  counting: Counting,
  rule: Extract<ToolRule, { kind: 'anthropic' }>,
  { tools, choice }: { tools: readonly unknown[]; choice: unknown },
): void {
  const type = isObject(choice) ? choice['type'] : undefined
  // A choice in OpenAI's words reaches Claude through a translation.
  const isForced = type === 'any' || type === 'tool' || type === 'function' || choice === 'required'
  const tokens = isForced ? rule.forced : rule.free
  counting.tally.add({ what: 'tool choice', tokens, exactness: rule.exactness })
  for (const tool of tools) {
    const kind = isObject(tool) && typeof tool['type'] === 'string' ? tool['type'] : ''
    const own = definedTools.find(([start]) => kind.startsWith(start))?.[1] ?? 0
    addEstimate(counting, 'tools', own + jsonTokens(counting, tool))
  }
}
