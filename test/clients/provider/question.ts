import { elements, type Fields, isFields, textOr } from '#deploy/simulator/narrow.ts'

export type WireDialect = 'chat' | 'messages' | 'responses'

/** What a client has asked, whatever the dialect. */
export interface Question {
  readonly dialect: WireDialect
  readonly model: string
  readonly streams: boolean
  readonly includesUsage: boolean
  /** All texts of its last turn. */
  readonly text: string
  readonly tools: readonly { readonly name: string; readonly schema: unknown }[]
  /** What tools have answered, in order. */
  readonly results: readonly { readonly call: string; readonly text: string }[]
  /** Schema of the JSON that is wanted. */
  readonly schema: unknown
  /** Bytes of each image. */
  readonly images: readonly number[]
}

export function readQuestion(dialect: WireDialect, body: Fields): Question {
  const turns = elements(body[dialect === 'responses' ? 'input' : 'messages']).filter(isFields)
  const asText = textOr(body['input'], '')
  const parts = partsOf(turns.at(-1) ?? {})
  const options = isFields(body['stream_options']) ? body['stream_options'] : {}
  return {
    dialect,
    model: textOr(body['model'], ''),
    streams: body['stream'] === true,
    includesUsage: options['include_usage'] === true,
    text: asText === '' ? parts.map((part) => textOr(part['text'], '')).join('') : asText,
    tools: elements(body['tools']).filter(isFields).map(toolOf),
    results: turns.flatMap(resultsOf),
    schema: schemaOf(body),
    images: turns.flatMap(partsOf).flatMap(imageBytes),
  }
}

function partsOf(turn: Fields): Fields[] {
  const { content } = turn
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return elements(content).filter(isFields)
}

function toolOf(tool: Fields) {
  const inner = isFields(tool['function']) ? tool['function'] : tool
  return {
    name: textOr(inner['name'], ''),
    schema: inner['parameters'] ?? inner['input_schema'] ?? {},
  }
}

/** As a turn of the role `tool`, an item, or a part of the user's turn. */
function resultsOf(turn: Fields): Question['results'] {
  if (turn['role'] === 'tool') {
    const text = partsOf(turn).map((part) => textOr(part['text'], ''))
    return [{ call: textOr(turn['tool_call_id'], ''), text: text.join('') }]
  }
  if (turn['type'] === 'function_call_output') {
    return [{ call: textOr(turn['call_id'], ''), text: plain(turn['output']) }]
  }
  return partsOf(turn)
    .filter((part) => part['type'] === 'tool_result')
    .map((part) => ({ call: textOr(part['tool_use_id'], ''), text: plain(part['content']) }))
}

function plain(value: unknown): string {
  if (typeof value === 'string') return value
  return elements(value)
    .map((part) => (isFields(part) ? textOr(part['text'], '') : ''))
    .join('')
}

/** `response_format` of chat, `text.format` of responses, `output_config.format` of messages. */
function schemaOf(body: Fields): unknown {
  const format = isFields(body['response_format']) ? body['response_format'] : {}
  const nested = isFields(format['json_schema']) ? format['json_schema'] : {}
  for (const name of ['text', 'output_config']) {
    const holder = body[name]
    const inner = isFields(holder) ? holder['format'] : undefined
    if (isFields(inner) && inner['schema'] !== undefined) return inner['schema']
  }
  const output = isFields(body['output_format']) ? body['output_format'] : {}
  return nested['schema'] ?? output['schema']
}

function imageBytes(part: Fields): number[] {
  const url = isFields(part['image_url']) ? part['image_url']['url'] : part['image_url']
  if (typeof url === 'string') return [base64Bytes(url.slice(url.indexOf(',') + 1))]
  const source = part['source']
  if (part['type'] !== 'image' || !isFields(source)) return []
  return [base64Bytes(textOr(source['data'], ''))]
}

function base64Bytes(text: string): number {
  return Buffer.from(text, 'base64').length
}
