import { hash } from '#shared/builtins.ts'
import { isList, isObject, type Json, sortedJson } from './json.ts'
import type { ChatFacts, OpaqueFacts, PromptFacts } from './prompt-facts.ts'
import type { Media, PromptIds } from './prompt-ids.ts'

/** Between the parts of the canonical form; a text that has them as well matches a little more. */
const mark = { message: '\x01', content: '\x02', calls: '\x03', media: '\x04', part: '\n' } as const

/** The canonical form as it is written: texts in order, and where media stand among them. */
class Writing {
  readonly texts: string[] = []
  readonly media: { readonly text: number; readonly identifier: string }[] = []

  add(...texts: readonly string[]): void {
    this.texts.push(...texts)
  }

  addMedia(part: Json): void {
    const identifier = identifierOf(part)
    this.media.push({ text: this.texts.length, identifier })
    this.add(mark.media, identifier)
  }
}

/**
 * A prompt without a tokenizer: what is before the messages, then role and content of each in order,
 * tools first. The same for the same prompt however its JSON is written; of a conversation that grows
 * the earlier form is the beginning of the later one. About 1 ms for 400 KB.
 */
export function byteIds(facts: PromptFacts): PromptIds {
  const writing = new Writing()
  if (facts.kind === 'ids') {
    const { ids } = facts
    return { kind: 'bytes', ids, media: [], bytes: 4 * ids.length, beforeAnswer: '' }
  }
  if (facts.kind === 'text') writing.add(facts.text)
  else writeConversation(writing, facts)
  const text = Buffer.from(writing.texts.join(''))
  const beforeAnswer = isContinued(facts) ? '' : `${mark.message}assistant${mark.content}`
  const media = placesOf(writing)
  return { kind: 'bytes', ids: wordsOf(text), media, bytes: text.length, beforeAnswer }
}

/** Whether an answer stands right behind its prompt, and is no message of its own. */
function isContinued(facts: PromptFacts): boolean {
  return facts.kind === 'text' || (facts.kind === 'chat' && facts.continuesLast)
}

/**
 * The full ids of an answer behind its prompt, as the canonical form of the next turn has them: the first
 * of them begins with the bytes of the prompt that fill no id of their own.
 */
export function answerWords({ ids, bytes, beforeAnswer }: PromptIds, text: string): Uint32Array {
  const full = bytes >>> 2
  const rest = Buffer.from(ids.slice(full).buffer).subarray(0, bytes - 4 * full)
  const all = Buffer.concat([rest, Buffer.from(beforeAnswer), Buffer.from(text)])
  return wordsOf(all.subarray(0, all.length - (all.length % 4)))
}

function writeConversation(writing: Writing, facts: ChatFacts | OpaqueFacts): void {
  writing.add(headOf(facts))
  for (const message of facts.messages) writeMessage(writing, message)
}

function headOf(facts: ChatFacts | OpaqueFacts): string {
  const { tools } = facts
  const isChat = facts.kind === 'chat'
  const rest = isChat ? optionsOf(facts.templateOptions) : facts.rest
  return (
    (rest === undefined ? '' : sortedJson(rest)) + (tools === undefined ? '' : sortedJson(tools))
  )
}

/** As {@link readPrompt} leaves them where other members send a call this way: both begin alike. */
function optionsOf(options: Json): unknown {
  return Object.keys(options).length === 0 ? undefined : [['chat_template_kwargs', options]]
}

/** Ids of calls are in it: a conversation repeats them, and some templates write them. */
const written = ['name', 'tool_call_id', 'reasoning_content', 'reasoning'] as const

function writeMessage(writing: Writing, message: unknown): void {
  if (!isObject(message)) return writing.add(mark.message, sortedJson(message))
  writing.add(mark.message, String(message['role']))
  for (const name of written) {
    const value = message[name]
    if (typeof value === 'string') writing.add(mark.part, name, mark.part, value)
  }
  writing.add(mark.content)
  writeContent(writing, message['content'])
  const calls = message['tool_calls']
  if (isList(calls)) for (const call of calls) writing.add(mark.calls, callText(call))
}

function writeContent(writing: Writing, content: unknown): void {
  if (typeof content === 'string') return writing.add(content)
  if (!isList(content))
    return content === undefined || content === null ? undefined : writing.add(sortedJson(content))
  for (const [at, part] of content.entries()) {
    if (at > 0) writing.add(mark.part)
    writePart(writing, part)
  }
}

/** Parts that are a text: Responses have words of their own, and an answer comes back with more members. */
const textTypes = new Set(['text', 'input_text', 'output_text'])
const mediaTypes = new Set(['image_url', 'image', 'input_audio', 'audio_url', 'video_url', 'file'])

function writePart(writing: Writing, part: unknown): void {
  if (!isObject(part)) return writing.add(sortedJson(part))
  const type = String(part['type'])
  if (mediaTypes.has(type)) return writing.addMedia(part)
  if (textTypes.has(type) && typeof part['text'] === 'string') return writing.add(part['text'])
  if (type === 'tool_result') {
    writing.add(type, String(part['tool_use_id']), mark.content)
    return writeContent(writing, part['content'])
  }
  writing.add(sortedJson({ ...part, cache_control: undefined }))
}

function callText(call: unknown): string {
  if (!isObject(call) || !isObject(call['function'])) return sortedJson(call)
  const { name, arguments: given } = call['function']
  return `${String(call['id'])}\n${String(name)}\n${sortedJson(parsedOr(given))}`
}

/** Arguments are JSON in a string; as a value where a caller has written them as one. */
function parsedOr(given: unknown): unknown {
  if (typeof given !== 'string') return given
  try {
    return JSON.parse(given)
  } catch {
    // What a model wrote need not be JSON.
    return given
  }
}

/** Where the picture is, or what it is: two addresses of one picture are two. */
function identifierOf(part: Json): string {
  const inner = part[String(part['type'])] ?? part['source']
  const address = isObject(inner) ? (inner['url'] ?? inner['data']) : inner
  const text = typeof address === 'string' ? address : sortedJson(part)
  return hash('sha256', text, 'hex').slice(0, 32)
}

function placesOf({ texts, media }: Writing): readonly Media[] {
  let bytes = 0
  let seen = 0
  return media.map(({ text, identifier }) => {
    for (; seen < text; seen++) bytes += Buffer.byteLength(texts[seen] ?? '')
    return { at: bytes >>> 2, identifier }
  })
}

/** Bytes four to a word, zeros behind the last. */
function wordsOf(bytes: Buffer): Uint32Array {
  const words = new Uint32Array(Math.ceil(bytes.length / 4))
  Buffer.from(words.buffer).set(bytes)
  return words
}
