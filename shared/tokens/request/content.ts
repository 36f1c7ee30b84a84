import { addText, addTextAs } from './add-text.ts'
import type { Counting } from './counting.ts'
import { each } from './each.ts'
import { addJson, addUnknownMembers } from './json.ts'
import {
  countAudio,
  countDocument,
  countImage,
  countOpaque,
  countVideo,
  inlineData,
  inlineText,
} from './media.ts'
import type { Kind } from './tally.ts'
import { isList, isObject, isText, type Json, type Text } from './value.ts'

/** Contents within contents (results of tools, documents) that are read; deeper is JSON. */
const depthMax = 8

/** Where a content stands: texts in it are of the kind `what`. */
export interface Place {
  readonly what: Kind
  readonly depth: number
}

/** Adds the content of a message or of a result in any dialect: a text, or parts. */
export function countContent(counting: Counting, content: unknown, place: Place): void {
  if (content === undefined || content === null) return
  if (isText(content)) return addText(counting, place.what, content)
  if (!isList(content) || place.depth > depthMax) return addJson(counting, 'unknown', content)
  each(counting, content, (part) => countPart(counting, part, place))
}

/** Members of parts that the model does not read, in every dialect. */
const silentMembers = [
  'type',
  'id',
  'cache_control',
  'prompt_cache_breakpoint',
  'annotations',
  'citations',
  'logprobs',
  'tool_use_id',
  'is_error',
  'status',
  'caller',
  'transformations',
]

type PartRule = readonly [members: ReadonlySet<string>, count: CountPart]
type CountPart = (counting: Counting, part: Json, place: Place) => void

function rule(members: readonly string[], count: CountPart): PartRule {
  return [new Set([...silentMembers, ...members]), count]
}

const textRule = rule(['text'], (counting, part, place) => {
  countContent(counting, part['text'], place)
})

const reasoningTextRule = rule(['text'], (counting, part) => {
  countContent(counting, part['text'], { what: 'reasoning', depth: 0 })
})

const fileRule = rule(['file', 'file_data', 'file_id', 'file_url', 'filename', 'detail'], countFile)

/** Parts by `type`. The dialects use different words, so one table serves all. */
const partRules: ReadonlyMap<string, PartRule> = new Map([
  ['text', textRule],
  ['input_text', textRule],
  ['output_text', textRule],
  ['summary_text', reasoningTextRule],
  ['reasoning_text', reasoningTextRule],
  [
    'refusal',
    rule(['refusal'], (counting, part, place) => countContent(counting, part['refusal'], place)),
  ],
  ['image_url', rule(['image_url', 'detail'], countImagePart)],
  ['input_image', rule(['image_url', 'file_id', 'detail'], countImagePart)],
  ['computer_screenshot', rule(['image_url', 'file_id', 'detail'], countImagePart)],
  ['image', rule(['source'], countImageBlock)],
  ['input_audio', rule(['input_audio'], countAudioPart)],
  ['audio_url', rule(['audio_url'], countAudioPart)],
  ['video_url', rule(['video_url'], (counting) => countVideo(counting))],
  ['file', fileRule],
  ['input_file', fileRule],
  ['document', rule(['source', 'title', 'context'], countDocumentBlock)],
  ['search_result', rule(['source', 'title', 'content'], countSearchResult)],
  ['tool_use', rule(['name', 'input'], countToolUse)],
  ['tool_result', rule(['content'], countToolResult)],
  ['thinking', rule(['thinking', 'signature'], countThinking)],
  ['redacted_thinking', rule(['data'], (counting, part) => countSealed(counting, part['data']))],
])

function countPart(counting: Counting, part: unknown, place: Place): void {
  if (isText(part)) return addText(counting, place.what, part)
  const type = isObject(part) ? part['type'] : undefined
  const known = typeof type === 'string' ? partRules.get(type) : undefined
  if (!isObject(part) || known === undefined) return addJson(counting, 'unknown', part)
  const [members, count] = known
  count(counting, part, place)
  addUnknownMembers(counting, part, members)
}

function textOr(value: unknown): Text {
  return isText(value) ? value : ''
}

/** `{image_url: "…"}` of Responses, or `{image_url: {url, detail}}` of Chat. */
function countImagePart(counting: Counting, part: Json): void {
  const image = part['image_url']
  const url = textOr(isObject(image) ? image['url'] : image)
  const detail = isObject(image) ? image['detail'] : part['detail']
  countImage(counting, inlineData(url), detail)
}

function countImageBlock(counting: Counting, part: Json): void {
  countImage(counting, base64Source(part['source']), 'auto')
}

/** The data of `{type: "base64", data}`; undefined for URLs and files. */
function base64Source(source: unknown): Text | undefined {
  if (!isObject(source) || source['type'] !== 'base64') return undefined
  return isText(source['data']) ? source['data'] : undefined
}

function countAudioPart(counting: Counting, part: Json): void {
  const audio = part['input_audio'] ?? part['audio_url']
  const data = isObject(audio) ? audio['data'] : undefined
  if (isText(data)) return countAudio(counting, data)
  countAudio(counting, inlineData(textOr(isObject(audio) ? audio['url'] : audio)))
}

/** The data may be a `data:` URL or bare base64. */
function countFile(counting: Counting, part: Json): void {
  const file = isObject(part['file']) ? part['file'] : part
  countContent(counting, file['filename'], { what: 'documents', depth: 0 })
  const data = textOr(file['file_data'])
  const text = inlineText(data)
  if (text !== undefined) addTextAs(counting, { what: 'documents', exactness: 'estimate' }, text)
  else countDocument(counting, data === '' ? undefined : (inlineData(data) ?? data))
}

function countDocumentBlock(counting: Counting, part: Json, place: Place): void {
  const inside = { what: 'documents', depth: place.depth + 1 } as const
  countContent(counting, part['title'], inside)
  countContent(counting, part['context'], inside)
  const source = part['source']
  if (!isObject(source)) return countDocument(counting, undefined)
  if (source['type'] === 'text') return countContent(counting, source['data'], inside)
  if (source['type'] === 'content') return countContent(counting, source['content'], inside)
  countDocument(counting, base64Source(source))
}

function countSearchResult(counting: Counting, part: Json, place: Place): void {
  const inside = { what: place.what, depth: place.depth + 1 }
  for (const key of ['source', 'title', 'content']) countContent(counting, part[key], inside)
}

/** The form in which Claude reads calls is not published: name and JSON of the input. */
function countToolUse(counting: Counting, part: Json): void {
  countContent(counting, part['name'], { what: 'tool calls', depth: 0 })
  addJson(counting, 'tool calls', part['input'] ?? {})
}

function countToolResult(counting: Counting, part: Json, place: Place): void {
  countContent(counting, part['content'], { what: 'tool results', depth: place.depth + 1 })
}

/**
 * Thinking of earlier turns is left out on some models (Anthropic's page on token counting), and the
 * signature is no text: with the text the signature is not counted again.
 */
function countThinking(counting: Counting, part: Json): void {
  const text = part['thinking'] ?? ''
  if (text === '') return countSealed(counting, part['signature'])
  countContent(counting, text, { what: 'reasoning', depth: 0 })
}

function countSealed(counting: Counting, data: unknown): void {
  if (isText(data)) return countOpaque(counting, data)
  countContent(counting, data, { what: 'reasoning', depth: 0 })
}
