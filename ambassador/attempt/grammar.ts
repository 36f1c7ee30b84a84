import type { Dialect } from '#shared/dialects/surfaces.ts'
import { isObject } from '#shared/dialects/usage.ts'
import { type Meaning, nothing, saidError } from './meaning.ts'
import { responsesMeaning } from './responses-grammar.ts'

/** The meaning of the JSON value of one event, or of a whole answer that is not streamed. */
export function meaningOf(dialect: Dialect, value: unknown): Meaning {
  if (!isObject(value)) return nothing
  // A response names its error where it has failed, and null everywhere else.
  if (dialect === 'responses' && value['object'] === 'response') return responsesMeaning(value)
  const error = errorIn(value)
  if (error !== undefined) return { ...nothing, error }
  if (dialect === 'responses') return responsesMeaning(value)
  return dialect === 'messages' ? messagesMeaning(value) : choicesMeaning(value)
}

type Json = Readonly<Record<string, unknown>>

function errorIn(value: Json): Meaning['error'] {
  const error = value['error']
  return isObject(error) ? saidError(error) : undefined
}

function choicesMeaning(value: Json): Meaning {
  const choices = Array.isArray(value['choices']) ? value['choices'].filter(isObject) : []
  let finishReason: string | undefined
  let hasContent = false
  for (const choice of choices) {
    const reason = choice['finish_reason']
    if (typeof reason === 'string') finishReason = reason
    const delta = choice['delta'] ?? choice['message']
    if (isFilled(choice['text']) || (isObject(delta) && hasDelta(delta))) hasContent = true
  }
  return { ...nothing, hasContent, finishReason, isAborted: finishReason === 'abort' }
}

/** Every field but the role is content: unknown ones come first where providers extend the format. */
function hasDelta(delta: Json): boolean {
  return Object.entries(delta).some(([key, value]) => key !== 'role' && isFilled(value))
}

function isFilled(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  return Array.isArray(value) ? value.length > 0 : isObject(value)
}

/** Members of a delta that say what it is, and are no content. */
const deltaLabels = new Set(['role', 'type', 'id', 'index', 'name', 'signature'])

/** Bytes of what the model wrote into one event, as JSON text has them. */
export function deltaBytes(value: Json): number {
  const choices = Array.isArray(value['choices']) ? value['choices'] : []
  const deltas = [value['delta'], ...choices.map((choice) => (isObject(choice) ? choice : {}))]
  return deltas.reduce((sum: number, delta) => sum + textBytes(delta), 0)
}

function textBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(JSON.stringify(value)) - 2
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + textBytes(item), 0)
  if (!isObject(value)) return 0
  let bytes = 0
  for (const [key, member] of Object.entries(value)) {
    if (!deltaLabels.has(key)) bytes += textBytes(member)
  }
  return bytes
}

function messagesMeaning(value: Json): Meaning {
  switch (value['type']) {
    case 'content_block_delta':
      return { ...nothing, hasContent: true }
    case 'content_block_start': {
      const block = value['content_block']
      const isEmptyText = isObject(block) && block['type'] === 'text' && !isFilled(block['text'])
      return {
        ...nothing,
        hasContent: !isEmptyText && isObject(block) && block['type'] !== 'thinking',
      }
    }
    case 'message_delta': {
      const delta = value['delta']
      return stopMeaning(isObject(delta) ? delta['stop_reason'] : undefined)
    }
    case 'message': {
      const hasContent = isFilled(value['content'])
      // A whole answer always has a reason; vLLM leaves it out where it was stopped.
      return { ...stopMeaning(value['stop_reason'] ?? null), hasContent }
    }
    case 'message_stop':
      return { ...nothing, isLast: true }
    default:
      return nothing
  }
}

function stopMeaning(reason: unknown): Meaning {
  const finishReason = typeof reason === 'string' ? reason : undefined
  return { ...nothing, finishReason, isAborted: reason === null || reason === 'abort' }
}
