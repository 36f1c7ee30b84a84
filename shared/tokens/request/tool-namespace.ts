import { isObject, type Json } from './value.ts'

/** A function as the caller defined it; members are unread JSON. */
export type Definition = Json

/** Levels of a schema that are written out; deeper ones become `any`. */
const levelsMax = 32

/** What stands around the functions. */
export const namespaceTexts: readonly string[] = [
  'namespace functions {\n\n',
  '} // namespace functions',
]

/**
 * Writes a function definition as OpenAI's cl100k models read it: as a TypeScript type, in a
 * namespace. The format is not documented; it was found by asking the models, and its token counts
 * agree with the API's. Source: https://github.com/hmarr/openai-chat-tokens and its recorded counts.
 *
 * It ends with `;` and two line feeds, behind which cl100k always begins a piece: the functions of a
 * namespace count one by one as they do together.
 */
export function renderFunction(definition: Definition): string {
  const name = asText(definition['name'])
  const lines = comment(definition['description'])
  const properties = renderProperties(definition['parameters'], 0)
  const type =
    properties.length === 0
      ? [`type ${name} = () => any;`]
      : [`type ${name} = (_: {`, ...properties, '}) => any;']
  return [...lines, ...type, '', ''].join('\n')
}

function renderProperties(schema: unknown, level: number): string[] {
  if (!isObject(schema) || !isObject(schema['properties'])) return []
  const required = new Set<unknown>(Array.isArray(schema['required']) ? schema['required'] : [])
  const indent = ' '.repeat(level * 2)
  return Object.entries(schema['properties']).flatMap(([name, property]) => {
    const isAsked = required.has(name)
    // Deeper descriptions do not reach the model.
    const about = isObject(property) && level === 0 ? comment(property['description']) : []
    const type = renderType(property, level)
    return [...about, `${indent}${name}${isAsked ? '' : '?'}: ${type},`]
  })
}

function renderType(schema: unknown, level: number): string {
  if (!isObject(schema) || level > levelsMax) return 'any'
  const choices: unknown = schema['enum']
  switch (schema['type']) {
    case 'string':
      return Array.isArray(choices)
        ? choices.map((choice) => `"${asText(choice)}"`).join(' | ')
        : 'string'
    case 'integer':
    case 'number':
      return Array.isArray(choices) ? choices.map(asText).join(' | ') : 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'array':
      return `${renderItems(schema['items'], level)}[]`
    case 'object': {
      const inside = renderProperties(schema, level + 1).join('\n')
      return `{\n${inside}\n${' '.repeat(level * 2)}}`
    }
    default:
      return 'any'
  }
}

/** The type inside arrays of arrays: a loop, since those take no level of their own. */
function renderItems(schema: unknown, level: number): string {
  let items = schema
  let suffix = ''
  while (isObject(items) && items['type'] === 'array') {
    items = items['items']
    suffix += '[]'
  }
  return `${renderType(items, level)}${suffix}`
}

function comment(text: unknown): string[] {
  return typeof text === 'string' && text !== '' ? [`// ${text}`] : []
}

/** A value of a schema as a word; what is no scalar has none. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null) return 'null'
  return typeof value === 'number' || typeof value === 'boolean' ? `${value}` : 'any'
}
