import { isObject, readUsage, usageObjectInTail } from '#shared/dialects/usage.ts'

/** What an answer says of the replica that gave it; undefined where it does not say. */
export interface Feedback {
  readonly promptTokens: number | undefined
  /** Of those, found in the replica’s prefix cache. */
  readonly cachedTokens: number | undefined
  readonly times: AnswerTimes | undefined
}

/**
 * `metrics` of vLLM’s `--enable-per-request-metrics`, milliseconds. `firstTokenMs` begins when the
 * call was scheduled: `queueMs` comes before it.
 */
export interface AnswerTimes {
  readonly queueMs: number | undefined
  readonly firstTokenMs: number | undefined
  readonly generationMs: number | undefined
  readonly betweenTokensMs: number | undefined
  readonly tokensPerSecond: number | undefined
}

type Json = Readonly<Record<string, unknown>>

/**
 * Of one parsed answer, or one event of a stream, in any of the dialects. Undefined where it says
 * nothing, as most events do.
 */
export function feedbackOf(answer: unknown): Feedback | undefined {
  if (!isObject(answer)) return undefined
  // The whole or a chunk; `response.completed` of Responses; `message_start` of Messages.
  for (const part of [answer, answer['response'], answer['message']]) {
    if (!isObject(part)) continue
    const found = feedbackFrom(part['usage'], part['metrics'])
    if (found !== undefined) return found
  }
  return undefined
}

/** Of the end of an answer or a stream, as raw bytes: no event need be parsed for it. */
export function feedbackInTail(tail: Buffer): Feedback | undefined {
  return feedbackFrom(usageObjectInTail(tail), metricsInTail(tail))
}

/** A later report of a stream corrects an earlier one; what it leaves out keeps the earlier. */
export function laterFeedback(earlier: Feedback | undefined, later: Feedback): Feedback {
  if (earlier === undefined) return later
  return {
    promptTokens: later.promptTokens ?? earlier.promptTokens,
    cachedTokens: later.cachedTokens ?? earlier.cachedTokens,
    times: later.times ?? earlier.times,
  }
}

function feedbackFrom(usage: unknown, metrics: unknown): Feedback | undefined {
  const read = readUsage(usage)
  const times = timesOf(metrics)
  if (read === undefined && times === undefined) return undefined
  // The end of a messages stream may say nothing of the prompt.
  const promptTokens = read === undefined || read.input === 0 ? undefined : read.input
  const isSaid = isObject(usage) && saysCached(usage)
  return { promptTokens, cachedTokens: isSaid ? read?.cached : undefined, times }
}

/** A zero that nobody said would teach that nothing is ever cached. */
function saysCached(usage: Json): boolean {
  const details =
    usage['prompt_tokens_details'] ?? usage['input_tokens_details'] ?? usage['prompt_token_details']
  const said = isObject(details) ? details['cached_tokens'] : usage['cache_read_input_tokens']
  return typeof said === 'number'
}

function timesOf(metrics: unknown): AnswerTimes | undefined {
  if (!isObject(metrics)) return undefined
  const times = {
    queueMs: amount(metrics['queue_time_ms']),
    firstTokenMs: amount(metrics['time_to_first_token_ms']),
    generationMs: amount(metrics['generation_time_ms']),
    betweenTokensMs: amount(metrics['mean_itl_ms']),
    tokensPerSecond: amount(metrics['tokens_per_second']),
  }
  return Object.values(times).every((each) => each === undefined) ? undefined : times
}

function amount(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_VALUE ? value : undefined
}

const metricsKey = '"metrics":'
/** Five numbers; what is longer is something else of that name. */
const metricsCharsMax = 512

/**
 * The last `metrics` object there: quotes inside strings are escaped, so that this one is a key.
 */
function metricsInTail(tail: Buffer): unknown {
  const at = tail.lastIndexOf(metricsKey)
  if (at < 0) return undefined
  const start = at + metricsKey.length
  const text = tail.toString('utf8', start, start + metricsCharsMax)
  const end = text.indexOf('}')
  if (!text.trimStart().startsWith('{') || end < 0) return undefined
  try {
    return JSON.parse(text.slice(0, end + 1))
  } catch {
    // Nested, or cut: not the flat object of numbers that is looked for.
    return undefined
  }
}
