import { valueAt, valueRangeFrom } from './top-level.ts'

/** Tokens of one call. `cached` and `cacheWrite` are parts of `input`, `reasoning` of `output`. */
export interface Usage {
  readonly input: number
  readonly cached: number
  readonly cacheWrite: number
  /** The part of `cacheWrite` that stays for an hour, where a provider prices it apart. */
  readonly cacheWrite1h: number
  readonly output: number
  readonly reasoning: number
  /** False where a number is our estimate. */
  readonly isExact: boolean
  /** US dollars as a plain decimal, once settled; undefined where the cost is not known. */
  readonly cost?: string | undefined
}

export const noUsage: Usage = {
  input: 0,
  cached: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
  isExact: false,
}

type Json = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0
}

function part(value: unknown, key: string): number {
  return isObject(value) ? count(value[key]) : 0
}

/**
 * Normalises a provider's `usage` object (providers' API references; checked against recorded
 * answers). OpenAI's input includes what was cached, Anthropic's excludes it. Undefined when `value`
 * is neither.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  if ('prompt_tokens' in value) return chatUsage(value)
  // Copies of Responses leave the details out; Anthropic has no total.
  const hasInput = 'input_tokens' in value
  if ('input_tokens_details' in value || (hasInput && 'total_tokens' in value)) {
    return responsesUsage(value)
  }
  if (hasInput || 'output_tokens' in value) return messagesUsage(value)
  return undefined
}

/** DeepSeek and Mistral have names of their own for what was cached. */
function chatUsage(value: Json): Usage {
  const details = value['prompt_tokens_details'] ?? value['prompt_token_details']
  const prompt = count(value['prompt_tokens'])
  const cached =
    part(details, 'cached_tokens') ||
    count(value['prompt_cache_hit_tokens']) ||
    count(value['num_cached_tokens'])
  const completion = count(value['completion_tokens'])
  const reasoning = part(value['completion_tokens_details'], 'reasoning_tokens')
  // xAI leaves reasoning out of the completion, and a cached prompt out of the prompt.
  const isBeside = count(value['total_tokens']) === prompt + completion + reasoning
  return {
    input: cached > prompt ? prompt + cached : prompt,
    cached,
    cacheWrite: part(details, 'cache_write_tokens'),
    cacheWrite1h: 0,
    output: isBeside ? completion + reasoning : completion,
    reasoning,
    isExact: true,
  }
}

function responsesUsage(value: Json): Usage {
  const details = value['input_tokens_details']
  return {
    input: count(value['input_tokens']),
    cached: part(details, 'cached_tokens'),
    cacheWrite: part(details, 'cache_write_tokens'),
    cacheWrite1h: 0,
    output: count(value['output_tokens']),
    reasoning: part(value['output_tokens_details'], 'reasoning_tokens'),
    isExact: true,
  }
}

function messagesUsage(value: Json): Usage {
  const cached = count(value['cache_read_input_tokens'])
  const cacheWrite = count(value['cache_creation_input_tokens'])
  return {
    input: count(value['input_tokens']) + cached + cacheWrite,
    cached,
    cacheWrite,
    cacheWrite1h: part(value['cache_creation'], 'ephemeral_1h_input_tokens'),
    output: count(value['output_tokens']),
    reasoning: part(value['output_tokens_details'], 'thinking_tokens'),
    isExact: true,
  }
}

/** The usage in one parsed answer or event, wherever its dialect puts it. */
export function usageOf(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const own = readUsage(value['usage'])
  if (own !== undefined) return own
  for (const part of [value['message'], value['response']]) {
    const within = isObject(part) ? readUsage(part['usage']) : undefined
    if (within !== undefined) return within
  }
  return undefined
}

/** The last usage in the end of an answer or a stream: quotes inside strings are escaped. */
export function usageInTail(tail: Buffer): Usage | undefined {
  return readUsage(usageObjectInTail(tail))
}

/** The last `usage` object there, as the provider wrote it. */
export function usageObjectInTail(tail: Buffer): Json | undefined {
  let at = tail.lastIndexOf(usageKey)
  // A caller's own `metadata`, which Responses repeat behind it, may have one of that name.
  for (let tries = 0; at >= 0 && tries < 4; tries++) {
    const usage = usageObjectAt(tail, at)
    if (usage !== undefined) return usage
    at = at === 0 ? -1 : tail.lastIndexOf(usageKey, at - 1)
  }
  return undefined
}

const usageKey = '"usage":'

function usageObjectAt(tail: Buffer, at: number): Json | undefined {
  const usage = valueAt(tail, valueRangeFrom(tail, at + usageKey.length))
  return isObject(usage) && readUsage(usage) !== undefined ? usage : undefined
}

/** A later report corrects an earlier one; what it leaves out keeps the earlier. */
export function mergeUsage(earlier: Usage | undefined, later: Usage): Usage {
  if (earlier === undefined) return later
  if (later.input === 0) return { ...earlier, output: later.output, reasoning: later.reasoning }
  // The end of a stream does not repeat for how long its beginning wrote to the cache.
  const isSame = later.cacheWrite1h === 0 && later.cacheWrite === earlier.cacheWrite
  return isSame ? { ...later, cacheWrite1h: earlier.cacheWrite1h } : later
}

/** The trailer `x-outrigger-usage`: `input=38,cached=32,…,cost=0.0012;exact;complete`. */
export function formatUsage(usage: Usage, isComplete: boolean): string {
  const { input, cached, cacheWrite, output, reasoning, cost = 'unknown' } = usage
  const numbers = `input=${input},cached=${cached},cache-write=${cacheWrite},output=${output},reasoning=${reasoning},cost=${cost}`
  return `${numbers};${usage.isExact ? 'exact' : 'estimated'};${isComplete ? 'complete' : 'cut'}`
}

const trailerPattern =
  /^input=(\d{1,15}),cached=(\d{1,15}),cache-write=(\d{1,15}),output=(\d{1,15}),reasoning=(\d{1,15}),cost=(\d{1,15}(?:\.\d{1,12})?|unknown);(exact|estimated);(complete|cut)$/

/** Reads {@link formatUsage}; undefined for anything else. */
export function parseUsage(text: string): Usage | undefined {
  const match = trailerPattern.exec(text)
  if (match === null) return undefined
  const [input = 0, cached = 0, cacheWrite = 0, output = 0, reasoning = 0] = match
    .slice(1, 6)
    .map(Number)
  const tokens = { input, cached, cacheWrite, cacheWrite1h: 0, output, reasoning }
  const cost = match[6] === 'unknown' ? undefined : match[6]
  return { ...tokens, isExact: match[7] === 'exact', cost }
}
