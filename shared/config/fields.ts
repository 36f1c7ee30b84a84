import * as v from 'valibot'
import { nearest } from './nearest.ts'
import {
  type Bytes,
  durationPattern,
  formatDuration,
  formatSize,
  type Ms,
  type Parsed,
  parseDuration,
  parseSize,
  sizePattern,
} from './units.ts'

/**
 * The kinds of value the table of keys is built from. Each message says what would be right; it
 * may carry a suggestion behind a line break, since valibot's issues carry one text only.
 */
export function advise(message: string, suggestion?: string): string {
  return suggestion === undefined ? message : `${message}\n${suggestion}`
}

/** Inclusive bounds of a value. */
export interface Bounds {
  readonly min?: number
  readonly max?: number
}

interface InputIssue {
  readonly input: unknown
}

/** No timer of ours is longer: Node's own end at 24.8 days and then fire at once. */
const durationMsMax = 24 * 3_600_000

function refusal(parsed: Parsed): string {
  return parsed.ok ? '' : advise(parsed.message, parsed.write)
}

/** Zero of a text that its pattern has already refused: valibot runs no transform on one. */
function valueOf(parsed: Parsed): number {
  return parsed.ok ? parsed.value : 0
}

/** A length of time, written with a unit; a number of milliseconds when parsed. */
export function duration(bounds: Bounds = {}) {
  const { min = 1, max = durationMsMax } = bounds
  const message = (issue: InputIssue) => refusal(parseDuration(issue.input))
  return v.pipe(
    v.union([v.literal(0), v.pipe(v.string(), v.regex(durationPattern, message))], message),
    v.transform((input): Ms => valueOf(parseDuration(input))),
    v.minValue(min, `must be at least ${formatDuration(min)}`),
    v.maxValue(max, `must be at most ${formatDuration(max)}`),
  )
}

/** A size, written with a unit; a number of bytes when parsed. At least 1 KiB unless said. */
export function size(bounds: Bounds = {}) {
  const { min = 1_024, max = 2 ** 32 } = bounds
  const message = (issue: InputIssue) => refusal(parseSize(issue.input))
  return v.pipe(
    v.union([v.literal(0), v.pipe(v.string(), v.regex(sizePattern, message))], message),
    v.transform((input): Bytes => valueOf(parseSize(input))),
    v.minValue(min, `must be at least ${formatSize(min)}`),
    v.maxValue(max, `must be at most ${formatSize(max)}`),
  )
}

/** A whole number; from 1 to a million unless said. */
export function count(bounds: Bounds = {}) {
  const { min = 1, max = 1_000_000 } = bounds
  return v.pipe(
    v.number('must be a whole number'),
    v.integer('must be a whole number'),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  )
}

/** Marks what a tenant may set for its own sidecars, in a file of its own. */
export function tunable<const Value extends v.GenericSchema>(value: Value) {
  return v.pipe(value, v.metadata({ isTunable: true }))
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  return v.picklist(words, kindsOf(words))
}

/** The message of a value that should have been one of `words`. */
export function kindsOf(words: readonly string[]) {
  return (issue: InputIssue) => {
    const message = `must be one of ${words.join(', ')}`
    if (typeof issue.input !== 'string') return message
    const written = issue.input.slice(0, 40)
    return advise(`${message}, not "${written}"`, nearest(written, words))
  }
}

/** Text that matches `pattern`; the message never repeats what was written. */
export function text(pattern: RegExp, message: string) {
  return v.pipe(v.string(message), v.regex(pattern, message))
}

/** RFC 1123 label: the name becomes part of a host name. */
export const labelName = text(
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  'must be a DNS label: at most 63 of a-z, 0-9 and -, such as llama-pool',
)

/** What applications put into `model`; providers use `:`, `/`, `.` and `@` in theirs. */
export const modelName = text(
  /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$/,
  'must be a model name: a letter or digit, then letters, digits and . _ : / @ -',
)

/** Without user, password, query or fragment: those would put secrets into logs. */
export const url = v.pipe(
  text(
    /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/,
    'must be an http(s) URL without user, query or fragment, such as https://host/v1',
  ),
  v.check((input) => URL.canParse(input), 'must be a URL, such as https://host/v1'),
  v.transform((input) => input.replace(/\/+$/, '')),
)

/** Scheme, host and port of one server. */
export const origin = v.pipe(
  text(/^https?:\/\/[^\s/?#@]+\/?$/, 'must be an origin, such as http://vllm-0.vllm:8000'),
  v.check((input) => URL.canParse(input), 'must be an origin, such as http://vllm-0.vllm:8000'),
  v.transform((input) => input.replace(/\/$/, '')),
)

/** `host:port`; an IPv6 host stands in brackets. */
export const hostPort = v.pipe(
  text(
    /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$/,
    'must be host:port, such as ambassador-openai.outrigger-system:4100',
  ),
  v.check(
    (input) => Number(input.slice(input.lastIndexOf(':') + 1)) <= 65_535,
    'must have a port of at most 65535',
  ),
)

/** Relative to the configuration's directory. */
export const filePath = text(/^[^\0]{1,4096}$/, 'must be the path of a file')

const inlineSecret =
  'must be the name of an environment variable, such as OPENAI_API_KEY, or { file: path }; ' +
  'secrets are named, never written here'

/**
 * Where a secret is, never what it is: the name of an environment variable, or a file whose path
 * is relative to the configuration's directory. Its messages repeat nothing that was written.
 */
export const secretRef = v.union(
  [
    v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9_]{0,127}$/, inlineSecret)),
    v.object({ file: filePath }),
  ],
  inlineSecret,
)
export type SecretRef = v.InferOutput<typeof secretRef>

/**
 * Entries by name. The record has no prototype, so looking up a name that an application sent,
 * such as `constructor`, finds only what the file declares.
 */
export function named<const Value extends v.GenericSchema>(
  name: v.GenericSchema<string, string>,
  value: Value,
) {
  return v.pipe(
    v.record(name, value),
    v.transform((entries) => {
      const bare = { ...entries }
      Object.setPrototypeOf(bare, null)
      return bare
    }),
  )
}
