import { Tokenizer } from '@huggingface/tokenizers'
import { compileTemplate } from '#ambassador/pool/tokens/jinja.ts'
import { isList, isObject, type Json } from '#ambassador/pool/tokens/json.ts'
import type { ModelFiles } from '#ambassador/pool/tokens/model-files.ts'
import type { ApartEncoder } from '#ambassador/pool/tokens/segment-ids.ts'
import type { Tokenize } from '#ambassador/pool/tokens/tokenize.ts'
import { compileTokenizer } from '#shared/tokens/hugging-face/compile.ts'
import type { SegmentEncoder } from '#shared/tokens/hugging-face/segments.ts'
import { viewTable } from '#shared/tokens/hugging-face/table.ts'
import { added, bytesOf, type File, shapes } from '../../../shared/tokens/hugging-face/files.ts'

/** The tokenizer of a small chat model. */
export const tokenizerFile: File = {
  ...shapes['Qwen'],
  added_tokens: [
    added('<|im_start|>', 5001, { special: true }),
    added('<|im_end|>', 5002, { special: true }),
    added('<tool_call>', 5003),
    added('\n\n', 5004),
  ],
}

/** Its chat template: tools in the first message, calls as JSON. */
export const templateSource = `
{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}
{%- for tool in tools %}{{ '\\n' }}{{ tool | tojson }}{% endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role not in ['system', 'user', 'assistant', 'tool'] %}{{ raise_exception('role') }}{% endif %}
{%- if not (tools and loop.first and message.role == 'system') %}
{{- '<|im_start|>' + message.role + '\\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>' + call.function.name + ' ' }}{{ call.function.arguments | tojson }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`

/** The model's files, as read from a folder. */
export function modelFiles(file: File = tokenizerFile, source = templateSource): ModelFiles {
  const bytes = compileTokenizer(bytesOf(file))
  const table = viewTable(bytes)
  if (table === undefined) throw new Error('Cannot view the table')
  return { table: { bytes, table }, template: compileTemplate(source), tokens: {} }
}

/** The same prompts by other hands: what a server makes of a question. Undefined for a refusal. */
export function serverIds(question: Json, file: File = tokenizerFile): number[] | undefined {
  const text = isList(question['messages']) ? rendered(question) : String(question['prompt'])
  if (text === undefined) return undefined
  return oracleOf(file).encode(text, { add_special_tokens: false }).ids
}

/** What stands for the thread: it encodes in this one. */
export function apartOf({ encode }: Pick<SegmentEncoder, 'encode'>): ApartEncoder {
  return { encode: async (texts) => texts.map(({ text, isStart }) => encode(text, isStart)) }
}

const oracles = new Map<File, Tokenizer>()

function oracleOf(file: File): Tokenizer {
  const oracle = oracles.get(file) ?? new Tokenizer(structuredClone(file), {})
  oracles.set(file, oracle)
  return oracle
}

/** A replica in this process that answers at once; `asks` are the questions it was asked. */
export function obligingReplica(file: File = tokenizerFile): { tokenize: Tokenize; asks: Json[] } {
  const asks: Json[] = []
  const tokenize: Tokenize = async (_origin, question) => {
    asks.push(question)
    const ids = serverIds(question, file)
    return ids === undefined ? undefined : Uint32Array.from(ids)
  }
  return { tokenize, asks }
}

const roles = ['system', 'user', 'assistant', 'tool']

function rendered(question: Json): string | undefined {
  const given = question['messages']
  const messages = (isList(given) ? given : []).filter(isObject)
  if (messages.some(({ role }) => !roles.includes(String(role)))) return undefined
  const tools = question['tools']
  let text = ''
  let rest = messages
  if (isList(tools)) {
    const [first] = messages
    const system = first?.['role'] === 'system' ? contentText(first['content']) : ''
    if (first?.['role'] === 'system') rest = messages.slice(1)
    text += `<|im_start|>system\n${system}`
    for (const tool of tools) text += `\n${pythonJson(dumped(tool))}`
    text += '<|im_end|>\n'
  }
  for (const message of rest) text += messageText(message)
  return question['add_generation_prompt'] === false ? text : `${text}<|im_start|>assistant\n`
}

function messageText({ role, content, tool_calls: calls }: Json): string {
  let text = `<|im_start|>${String(role)}\n${contentText(content)}`
  for (const call of isList(calls) ? calls : []) {
    const asked = isObject(call) && isObject(call['function']) ? call['function'] : {}
    text += `<tool_call>${String(asked['name'])} ${pythonJson(JSON.parse(String(asked['arguments'])))}`
  }
  return `${text}<|im_end|>\n`
}

function contentText(content: unknown): string {
  if (!isList(content)) return typeof content === 'string' ? content : ''
  return content.map((part) => (isObject(part) ? part['text'] : '')).join('\n')
}

/** A tool as the server's own model of it has it. */
function dumped(tool: unknown): unknown {
  if (!isObject(tool) || !isObject(tool['function'])) return tool
  const { name, description = null, parameters = null } = tool['function']
  return { type: tool['type'], function: { name, description, parameters } }
}

/** `json.dumps` with its usual separators. */
function pythonJson(value: unknown): string {
  if (isList(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}: ${pythonJson(member)}`,
  )
  return `{${members.join(', ')}}`
}
