import { isObject } from '#shared/dialects/usage.ts'
import { type Counting, jsonTokens, textTokens } from './counting.ts'
import { asText, type Definition } from './tool-namespace.ts'

/**
 * Tokens by OpenAI's cookbook, "How to count tokens with tiktoken", section 7, for gpt-4o and
 * gpt-4o-mini: per function, before its properties, per property, per list of choices, per choice,
 * and once behind all functions.
 */
const perFunction = 7
const beforeProperties = 3
const perProperty = 3
const perChoices = -3
const perChoice = 3
const behindFunctions = 12

export interface CookbookCount {
  readonly tokens: number
  /** Tokens of what the cookbook's rule does not read (nested schemas, references), by its JSON. */
  readonly beyond: number
}

/** Tokens of at least one function definition. */
export function cookbookTokens(
  counting: Counting,
  definitions: readonly Definition[],
): CookbookCount {
  const counts = definitions.map((definition) => functionTokens(counting, definition))
  return counts.reduce<CookbookCount>(add, { tokens: behindFunctions, beyond: 0 })
}

function add(one: CookbookCount, other: CookbookCount): CookbookCount {
  return { tokens: one.tokens + other.tokens, beyond: one.beyond + other.beyond }
}

/** Members of a schema of parameters that say nothing the rule leaves out. */
export const schemaMembers: ReadonlySet<string> = new Set([
  'type',
  'description',
  'properties',
  'required',
  'additionalProperties',
  '$schema',
])
const propertyMembers = new Set(['type', 'description', 'enum'])

function functionTokens(counting: Counting, definition: Definition): CookbookCount {
  const line = `${textOf(definition['name'])}:${unstopped(definition['description'])}`
  const own = { tokens: perFunction + textTokens(counting, line), beyond: 0 }
  const schema = definition['parameters']
  if (!isObject(schema)) return own
  const beyond = beyondTokens(counting, schema, schemaMembers)
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  const start = properties.length > 0 ? beforeProperties : 0
  return properties
    .map(([name, property]) => propertyTokens(counting, name, property))
    .reduce<CookbookCount>(add, { tokens: own.tokens + start, beyond })
}

function propertyTokens(counting: Counting, name: string, property: unknown): CookbookCount {
  if (!isObject(property)) {
    return { tokens: perProperty + textTokens(counting, name), beyond: 0 }
  }
  const line = `${name}:${textOf(property['type'])}:${unstopped(property['description'])}`
  const tokens = perProperty + textTokens(counting, line) + choiceTokens(counting, property['enum'])
  return { tokens, beyond: beyondTokens(counting, property, propertyMembers) }
}

function choiceTokens(counting: Counting, choices: unknown): number {
  if (!Array.isArray(choices) || choices.length === 0) return 0
  const items: readonly unknown[] = choices
  return items.reduce<number>(
    (sum, item) => sum + perChoice + textTokens(counting, textOf(item)),
    perChoices,
  )
}

function beyondTokens(
  counting: Counting,
  object: Readonly<Record<string, unknown>>,
  read: ReadonlySet<string>,
): number {
  const rest = Object.entries(object).filter(([key]) => !read.has(key))
  return rest.length === 0 ? 0 : jsonTokens(counting, Object.fromEntries(rest))
}

function textOf(value: unknown): string {
  if (value === undefined) return ''
  // A list of types; its items are words.
  if (Array.isArray(value)) return value.filter(isWord).join('|')
  return asText(value)
}

function isWord(value: unknown): value is string {
  return typeof value === 'string'
}

/** A description without the full stop at its end, which does not reach the model. */
function unstopped(text: unknown): string {
  return textOf(text).replace(/\.$/, '')
}
