import type { Entry, Target } from '#shared/config/schema.ts'
import { type Capability, capabilityNames } from '#shared/config/target-schema.ts'
import { scanTopLevel, valueAt } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'

/**
 * Words that only stand between quotes where a question holds such a part: inside a text of JSON
 * the closing quote would be escaped. A text that is nothing but the word passes for the part.
 */
const parts: Readonly<Record<'images' | 'audio' | 'documents', readonly string[]>> = {
  images: ['"image_url"', '"input_image"', '"image"'],
  audio: ['"input_audio"', '"audio_url"'],
  documents: ['"document"', '"file"', '"input_file"'],
}

const formats = ['response_format', 'text', 'output_config', 'output_format'] as const

const none: ReadonlySet<Capability> = new Set()

/** What the question needs, as far as the targets of `entries` differ in it. */
export function needsOf(body: Buffer, entries: readonly Entry[]): ReadonlySet<Capability> {
  const targets = entries.flatMap((entry) => (entry.choose === 'refuse' ? [] : entry.targets))
  const isDeclared = targets.some(({ capabilities }) => capabilities !== undefined)
  return isDeclared ? usedBy(body, capabilityNames) : none
}

/** Which of `needs` the target does not have. */
export function missing(
  needs: ReadonlySet<Capability>,
  { capabilities }: Target,
): readonly Capability[] {
  return capabilities === undefined ? [] : [...needs].filter((name) => !capabilities.includes(name))
}

/** Which of `asked` the question uses. Reads its bytes once for each word: 20 µs for 100 KB. */
export function usedBy(body: Buffer, asked: readonly Capability[]): ReadonlySet<Capability> {
  return new Set(asked.filter((name) => uses(body, name)))
}

function uses(body: Buffer, name: Capability): boolean {
  switch (name) {
    case 'tools':
      return ['tools', 'functions'].some((key) => isFilled(topLevel(body, key)))
    case 'json-schema':
      return formats.some((key) => asksForSchema(topLevel(body, key)))
    default:
      return parts[name].some((word) => body.includes(word))
  }
}

function topLevel(body: Buffer, key: string): unknown {
  return valueAt(body, scanTopLevel(body, [key]).values.get(key))
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0
}

/** `response_format`, `text.format` and `output_config.format` of the three dialects. */
function asksForSchema(value: unknown): boolean {
  if (!isObject(value)) return false
  return value['type'] === 'json_schema' || asksForSchema(value['format'])
}
