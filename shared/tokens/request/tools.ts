import { addTextAs } from './add-text.ts'
import { addBehindFunctions, addFunction, schemaMembers } from './cookbook-tools.ts'
import { addEstimate, addTokens, type Counting } from './counting.ts'
import { each } from './each.ts'
import type { ToolRule } from './family.ts'
import { addJson, isShort } from './json.ts'
import type { Exactness } from './tally.ts'
import { type Definition, namespaceTexts, renderFunction } from './tool-namespace.ts'
import { isList, isObject, type List } from './value.ts'

/** What a request says about tools, wherever its dialect puts it. */
export interface ToolRequest {
  /** `tools`, or the former `functions`. */
  readonly tools: unknown
  /** `tool_choice`, or the former `function_call`. */
  readonly choice: unknown
  /**
   * Whether there is a system message, which shares its frame with the definitions of functions:
   * asked when all is counted.
   */
  readonly hasSystem: () => boolean
}

/** Adds the definitions of tools and the choice among them. */
export function countTools(counting: Counting, request: ToolRequest): void {
  const { tools, choice } = request
  if (tools === undefined || tools === null) return
  if (!isList(tools)) return addJson(counting, 'tools', tools)
  if (tools.length === 0) return
  const rule = counting.family.tools
  if (rule.kind === 'anthropic') return countAnthropic(counting, rule, { tools, choice })
  if (rule.kind === 'json') {
    addEstimate(counting, 'tools', rule.overhead)
    each(counting, tools, (tool) => addJson(counting, 'tools', tool))
    return countChoice(counting, choice, 'estimate')
  }
  countDefinitions(counting, rule, { tools, hasSystem: request.hasSystem })
  countChoice(counting, choice, rule.exactness)
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

type RenderedRule = Extract<ToolRule, { kind: 'namespace' | 'cookbook' }>

function countDefinitions(
  counting: Counting,
  rule: RenderedRule,
  { tools, hasSystem }: { tools: List; hasSystem: () => boolean },
): void {
  const { exactness } = rule
  let isAround = false
  each(counting, tools, (tool) => {
    const definition = definitionOf(tool)
    // Hosted and custom tools bring instructions that are not published; to render a long definition
    // would hold everything else.
    if (definition === undefined || !isShort(tool)) return addJson(counting, 'tools', tool)
    if (!isAround) addAround(counting, rule, hasSystem)
    isAround = true
    if (rule.kind === 'cookbook') return addFunction(counting, definition, exactness)
    addTextAs(counting, { what: 'tools', exactness }, renderFunction(definition))
    addUnrendered(counting, definition)
  })
}

/** Adds what stands once around all functions. */
function addAround(counting: Counting, rule: RenderedRule, hasSystem: () => boolean): void {
  const { exactness } = rule
  if (rule.kind === 'cookbook') return addBehindFunctions(counting, exactness)
  const label = { what: 'tools', exactness } as const
  addTokens(counting, label, aroundNamespace)
  for (const text of namespaceTexts) addTextAs(counting, label, text)
  // Whether there is one is known when the messages have been read.
  counting.progress.atEnd.push(() => {
    if (hasSystem()) addTokens(counting, label, -savedBySystem)
  })
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

function countChoice(counting: Counting, choice: unknown, exactness: Exactness): void {
  const label = { what: 'tool choice', exactness } as const
  // The former `function_call` names a function without a type.
  const word = isObject(choice) ? (choice['type'] ?? 'function') : choice
  if (word === undefined || word === null || word === 'auto') return
  if (word === 'none') return addTokens(counting, label, choiceOfNone)
  const name = forcedName(choice)
  if (name === undefined) return addJson(counting, 'tool choice', choice)
  addTokens(counting, label, aroundForcedName)
  addTextAs(counting, label, name)
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
  { tools, choice }: { tools: List; choice: unknown },
): void {
  const type = isObject(choice) ? choice['type'] : undefined
  // A choice in OpenAI's words reaches Claude through a translation.
  const isForced = type === 'any' || type === 'tool' || type === 'function' || choice === 'required'
  const tokens = isForced ? rule.forced : rule.free
  addTokens(counting, { what: 'tool choice', exactness: rule.exactness }, tokens)
  each(counting, tools, (tool) => {
    const kind = isObject(tool) && typeof tool['type'] === 'string' ? tool['type'] : ''
    const own = definedTools.find(([start]) => kind.startsWith(start))?.[1] ?? 0
    addEstimate(counting, 'tools', own)
    addJson(counting, 'tools', tool)
  })
}
