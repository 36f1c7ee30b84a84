import { addTextAs } from './add-text.ts'
import { addTokens, type Counting, type Label } from './counting.ts'
import { addJson } from './json.ts'
import type { Exactness } from './tally.ts'
import { asText, type Definition } from './tool-namespace.ts'
import { isObject, type Json } from './value.ts'

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

/** Adds what stands once behind all functions. */
export function addBehindFunctions(counting: Counting, exactness: Exactness): void {
  addTokens(counting, { what: 'tools', exactness }, behindFunctions)
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

/**
 * Adds one function definition. What the cookbook's rule does not read (nested schemas, references)
 * counts by its JSON.
 */
export function addFunction(
  counting: Counting,
  definition: Definition,
  exactness: Exactness,
): void {
  const label = { what: 'tools', exactness } as const
  const line = `${textOf(definition['name'])}:${unstopped(definition['description'])}`
  addTokens(counting, label, perFunction)
  addTextAs(counting, label, line)
  const schema = definition['parameters']
  if (!isObject(schema)) return
  addBeyond(counting, schema, schemaMembers)
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  if (properties.length > 0) addTokens(counting, label, beforeProperties)
  for (const [name, property] of properties) addProperty(counting, label, { name, property })
}

function addProperty(
  counting: Counting,
  label: Label,
  { name, property }: { name: string; property: unknown },
): void {
  addTokens(counting, label, perProperty)
  if (!isObject(property)) return addTextAs(counting, label, name)
  const line = `${name}:${textOf(property['type'])}:${unstopped(property['description'])}`
  addTextAs(counting, label, line)
  addChoices(counting, label, property['enum'])
  addBeyond(counting, property, propertyMembers)
}

function addChoices(counting: Counting, label: Label, choices: unknown): void {
  if (!Array.isArray(choices) || choices.length === 0) return
  addTokens(counting, label, perChoices + perChoice * choices.length)
  for (const choice of choices) addTextAs(counting, label, textOf(choice))
}

function addBeyond(counting: Counting, object: Json, read: ReadonlySet<string>): void {
  const rest = Object.entries(object).filter(([key]) => !read.has(key))
  if (rest.length > 0) addJson(counting, 'tools', Object.fromEntries(rest))
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
