import { elements, type Fields, isFields, textOr } from './narrow.ts'

/**
 * The text of a message's content: a string, or the texts of its parts; any other part stands as
 * its JSON.
 */
function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  return elements(content).map(partText).join('\n')
}

function partText(part: unknown): string {
  if (isFields(part) && typeof part['text'] === 'string') return part['text']
  return JSON.stringify(part) ?? ''
}

const turnEnd = '<|im_end|>\n'

function turn(role: string, text: string): string {
  return `<|im_start|>${role}\n${text}${turnEnd}`
}

function messageTurn(message: unknown): string {
  if (!isFields(message)) return ''
  const calls = message['tool_calls'] === undefined ? '' : JSON.stringify(message['tool_calls'])
  const other = message['content'] === undefined && calls === '' ? JSON.stringify(message) : ''
  return turn(textOr(message['role'], 'user'), contentText(message['content']) + calls + other)
}

/**
 * The prompt of a conversation under the ChatML template: system texts and tools first, then the
 * turns.
 */
export function conversation(body: Fields, messages: readonly unknown[]): string {
  const turns = `${head(body)}${messages.map(messageTurn).join('')}`
  // The model goes on with the last turn, which so has no end.
  if (body['continue_final_message'] === true) return turns.slice(0, -turnEnd.length)
  return body['add_generation_prompt'] === false ? turns : `${turns}<|im_start|>assistant\n`
}

function head(body: Fields): string {
  const system = contentText(body['system'] ?? body['instructions'] ?? '')
  const tools = elements(body['tools']).length > 0 ? JSON.stringify(body['tools']) : ''
  return system + tools === '' ? '' : turn('system', system + tools)
}

/** The turns of a responses request: its `input` is one user text or a list of items. */
export function responseInput(input: unknown): readonly unknown[] {
  return typeof input === 'string' ? [{ role: 'user', content: input }] : elements(input)
}
