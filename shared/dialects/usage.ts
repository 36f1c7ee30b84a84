/** Tokens of one call. `cached` and `cacheWrite` are parts of `input`, `reasoning` of `output`. */
export interface Usage {
  readonly input: number
  readonly cached: number
  readonly cacheWrite: number
  readonly output: number
  readonly reasoning: number
  /** False where a number is our estimate. */
  readonly isExact: boolean
}

export const noUsage: Usage = {
  input: 0,
  cached: 0,
  cacheWrite: 0,
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
 * Normalises a provider's `usage` object: OpenAI's input includes what was cached, Anthropic's
 * excludes it (providers' API references; checked against recorded answers). Undefined when `value`
 * is neither.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  if ('prompt_tokens' in value) {
    const prompt = value['prompt_tokens_details']
    return {
      input: count(value['prompt_tokens']),
      cached: part(prompt, 'cached_tokens'),
      cacheWrite: part(prompt, 'cache_write_tokens'),
      output: count(value['completion_tokens']),
      reasoning: part(value['completion_tokens_details'], 'reasoning_tokens'),
      isExact: true,
    }
  }
  if (!('input_tokens' in value) && !('output_tokens' in value)) return undefined
  const cached = count(value['cache_read_input_tokens'])
  const cacheWrite = count(value['cache_creation_input_tokens'])
  return {
    input: count(value['input_tokens']) + cached + cacheWrite,
    cached,
    cacheWrite,
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
  const message = value['message']
  return isObject(message) ? readUsage(message['usage']) : undefined
}

/** The last usage in the end of an answer or a stream: quotes inside strings are escaped. */
export function usageInTail(tail: Buffer): Usage | undefined {
  const at = tail.lastIndexOf('"usage":')
  if (at < 0) return undefined
  const text = tail.toString('utf8', at + '"usage":'.length)
  // The object ends at the first brace with which it parses; it holds only small objects.
  for (let end = text.indexOf('}'), tries = 0; end >= 0 && tries < 8; tries++) {
    const usage = readUsage(parse(text.slice(0, end + 1)))
    if (usage !== undefined) return usage
    end = text.indexOf('}', end + 1)
  }
  return undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not the whole object yet.
    return undefined
  }
}

/** A later report corrects an earlier one; a field it leaves at zero input keeps the earlier. */
export function mergeUsage(earlier: Usage | undefined, later: Usage): Usage {
  if (earlier === undefined || later.input > 0) return later
  return { ...earlier, output: later.output, reasoning: later.reasoning }
}

/** The trailer `x-outrigger-usage`: `input=38,cached=32,…;exact;complete`. */
export function formatUsage(usage: Usage, isComplete: boolean): string {
  const numbers = `input=${usage.input},cached=${usage.cached},cache-write=${usage.cacheWrite},output=${usage.output},reasoning=${usage.reasoning}`
  return `${numbers};${usage.isExact ? 'exact' : 'estimated'};${isComplete ? 'complete' : 'cut'}`
}

const trailerPattern =
  /^input=(\d{1,15}),cached=(\d{1,15}),cache-write=(\d{1,15}),output=(\d{1,15}),reasoning=(\d{1,15});(exact|estimated);(complete|cut)$/

/** Reads {@link formatUsage}; undefined for anything else. */
export function parseUsage(text: string): Usage | undefined {
  const match = trailerPattern.exec(text)
  if (match === null) return undefined
  const [input = 0, cached = 0, cacheWrite = 0, output = 0, reasoning = 0] = match
    .slice(1, 6)
    .map(Number)
  return { input, cached, cacheWrite, output, reasoning, isExact: match[6] === 'exact' }
}
