import { elements, type Fields, isFields, textOr } from './narrow.ts'

/** The tool call a request forces, with its arguments as JSON text. */
export interface ToolCall {
  readonly name: string
  readonly argumentsText: string
}

interface Tool {
  readonly name: string
  readonly schema: unknown
}

// Three spellings: chat nests under `function`, responses are flat, Anthropic says `input_schema`.
function toolOf(value: unknown): Tool | null {
  if (!isFields(value)) return null
  const inner = isFields(value['function']) ? value['function'] : value
  const name = textOr(inner['name'], '')
  return name === '' ? null : { name, schema: inner['parameters'] ?? inner['input_schema'] }
}

function chosenName(choice: Fields): string {
  const inner = isFields(choice['function']) ? choice['function'] : choice
  return textOr(inner['name'], '')
}

/**
 * The call that `tool_choice` forces: "required" or Anthropic's "any" is the first tool. Null where
 * none is forced.
 */
export function forcedToolCall(body: Fields): ToolCall | null {
  const tools = elements(body['tools'])
    .map(toolOf)
    .filter((tool) => tool !== null)
  const choice = body['tool_choice']
  let chosen: Tool | undefined
  if (choice === 'required') chosen = tools[0]
  if (isFields(choice)) {
    const name = chosenName(choice)
    chosen = choice['type'] === 'any' ? tools[0] : tools.find((tool) => tool.name === name)
  }
  if (chosen === undefined) return null
  return { name: chosen.name, argumentsText: JSON.stringify(sample(chosen.schema, 0)) }
}

// Deep enough for real tools, and an end for a schema that nests without one.
const depthMax = 8

/** A fixed value of a JSON schema, `depth` levels deep already: required properties only. */
export function sample(schema: unknown, depth: number): unknown {
  if (!isFields(schema) || depth > depthMax) return {}
  const allowed = elements(schema['enum'])
  if (allowed.length > 0) return allowed[0]
  if (schema['type'] === 'string') return 'simulated'
  if (schema['type'] === 'integer' || schema['type'] === 'number') return 1
  if (schema['type'] === 'boolean') return true
  if (schema['type'] === 'array') return []
  if (schema['type'] === 'null') return null
  const properties = isFields(schema['properties']) ? schema['properties'] : {}
  const required = elements(schema['required']).filter((name) => typeof name === 'string')
  return Object.fromEntries(required.map((name) => [name, sample(properties[name], depth + 1)]))
}
