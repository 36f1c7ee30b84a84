import type { Entry, Target } from '#shared/config/schema.ts'
import { type Capability, capabilityNames } from '#shared/config/target-schema.ts'
import { shortValueAt, type ValueRange } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'

/** The `type` of such a part of a message, in the three dialects. */
const parts: Readonly<Record<'images' | 'audio' | 'documents', readonly string[]>> = {
  images: ['"image_url"', '"input_image"', '"image"', '"computer_screenshot"'],
  audio: ['"input_audio"', '"audio_url"'],
  documents: ['"document"', '"file"', '"input_file"'],
}

const tools = ['tools', 'functions'] as const
const formats = ['response_format', 'text', 'output_config', 'output_format'] as const

/** Members of a question that tell what it needs. */
export const needKeys: readonly string[] = [...tools, ...formats]

/** A question, and where the members stand that {@link needKeys} names. */
export interface Members {
  readonly body: Buffer
  readonly values: ReadonlyMap<string, ValueRange>
}

const none: ReadonlySet<Capability> = new Set()

/** What the question needs, as far as the targets of `entries` differ in it. */
export function needsOf(question: Members, entries: readonly Entry[]): ReadonlySet<Capability> {
  const isDeclared = entries.some(
    (entry) =>
      entry.choose !== 'refuse' &&
      entry.targets.some(({ capabilities }) => capabilities !== undefined),
  )
  return isDeclared ? usedBy(question, capabilityNames) : none
}

/** Which of `needs` the target does not have. */
export function missing(
  needs: ReadonlySet<Capability>,
  { capabilities }: Target,
): readonly Capability[] {
  return capabilities === undefined ? [] : [...needs].filter((name) => !capabilities.includes(name))
}

/** Which of `asked` the question uses. Reads its bytes once for each part: 13 ms for 32 MB of prose. */
export function usedBy(question: Members, asked: readonly Capability[]): ReadonlySet<Capability> {
  return new Set(asked.filter((name) => uses(question, name)))
}

function uses({ body, values }: Members, name: Capability): boolean {
  if (name === 'tools') return tools.some((key) => isFilledList(body, values.get(key)))
  if (name === 'json-schema') {
    return formats.some((key) => asksForSchema(body, values.get(key)))
  }
  return parts[name].some((word) => hasType(body, word))
}

/** Tools are long: their bytes tell enough. */
function isFilledList(body: Buffer, range: ValueRange | undefined): boolean {
  if (range === undefined || body[range.start] !== openBracket) return false
  return body[spaceEnd(body, range.start + 1)] !== closeBracket
}

/**
 * `response_format`, `text.format` and `output_config.format` of the three dialects. A schema is long:
 * the bytes around its type are looked at, not all of it.
 */
function asksForSchema(body: Buffer, range: ValueRange | undefined): boolean {
  if (range === undefined) return false
  const value = shortValueAt(body, range)
  if (isObject(value) && isSchema(value)) return true
  return hasType(body.subarray(range.start, range.end), '"json_schema"')
}

function isSchema(value: Readonly<Record<string, unknown>>): boolean {
  const { type, format } = value
  return type === 'json_schema' || (isObject(format) && isSchema(format))
}

const openBracket = 91
const closeBracket = 93
const colon = 58
const typeKey = Buffer.from('"type"')
/** Places of a word that are looked at: a body of nothing else must not hold up other calls. */
const placesMax = 10_000

/**
 * Whether an object in the body has `word` as its `type`. Not the word alone: a tool may have a
 * parameter `image` or `file`. Inside of a text the quotes would be escaped.
 */
function hasType(body: Buffer, word: string): boolean {
  let at = body.indexOf(word)
  for (let places = 0; at >= 0 && places < placesMax; places++) {
    const before = spaceStart(body, at) - 1
    const keyEnd = spaceStart(body, before)
    const key = body.subarray(Math.max(0, keyEnd - typeKey.length), keyEnd)
    if (body[before] === colon && key.equals(typeKey)) return true
    at = body.indexOf(word, at + word.length)
  }
  return false
}

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9
}

function spaceEnd(body: Buffer, from: number): number {
  let at = from
  while (isSpace(body[at])) at++
  return at
}

/** Where the spaces in front of `until` begin. */
function spaceStart(body: Buffer, until: number): number {
  let at = until
  while (isSpace(body[at - 1])) at--
  return at
}
