/** What one call was and cost, known when its answer ended. Absent facts were never found out. */
export interface AccessLine {
  readonly call: string
  readonly tenant?: string | undefined
  readonly workload?: string | undefined
  readonly class?: string | undefined
  readonly surface: string
  readonly dialect?: string | undefined
  readonly modelAsked?: string | undefined
  readonly modelServed?: string | undefined
  readonly provider?: string | undefined
  /** Tokens, cached ones included. */
  readonly inputTokens?: number | undefined
  readonly cachedTokens?: number | undefined
  readonly cacheWriteTokens?: number | undefined
  /** Tokens, reasoning included. */
  readonly outputTokens?: number | undefined
  readonly reasoningTokens?: number | undefined
  /** False marks every count of this line as an estimate. */
  readonly tokensExact: boolean
  /** From the head of the question to the first content, milliseconds. */
  readonly ttftMs?: number | undefined
  readonly durationMs: number
  /** HTTP status that the caller saw; 0 where it left before one. */
  readonly status: number
  readonly outcome: Outcome
  /** Code of the table of errors. */
  readonly error?: string | undefined
  readonly attempts: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly stream: boolean
}

/** `cut`: the answer broke off after its head; `refused`: no provider was asked. */
export type Outcome = 'ok' | 'client-left' | 'failed' | 'cut' | 'refused'

/** Longest string of a log line, in characters: a caller chooses some of them. */
export const logCharsMax = 256

/**
 * One line of JSON for `line`, the head given as text without its closing brace.
 *
 * Written by hand because the set of fields is fixed: a general logger spends longer on finding
 * out what it was given than on the text.
 */
export function accessJson(head: string, line: AccessLine): string {
  const mark = line.tokensExact ? '' : '~'
  return (
    head +
    text(',"call":', line.call) +
    text(',"tenant":', line.tenant) +
    text(',"workload":', line.workload) +
    text(',"class":', line.class) +
    text(',"surface":', line.surface) +
    text(',"dialect":', line.dialect) +
    text(',"modelAsked":', line.modelAsked) +
    text(',"modelServed":', line.modelServed) +
    text(',"provider":', line.provider) +
    tokens(',"inputTokens":', line.inputTokens, mark) +
    tokens(',"cachedTokens":', line.cachedTokens, mark) +
    tokens(',"cacheWriteTokens":', line.cacheWriteTokens, mark) +
    tokens(',"outputTokens":', line.outputTokens, mark) +
    tokens(',"reasoningTokens":', line.reasoningTokens, mark) +
    (line.tokensExact ? ',"tokensExact":true' : ',"tokensExact":false') +
    number(',"ttftMs":', line.ttftMs) +
    number(',"durationMs":', line.durationMs) +
    number(',"status":', line.status) +
    text(',"outcome":', line.outcome) +
    text(',"error":', line.error) +
    number(',"attempts":', line.attempts) +
    number(',"bytesIn":', line.bytesIn) +
    number(',"bytesOut":', line.bytesOut) +
    (line.stream ? ',"stream":true}\n' : ',"stream":false}\n')
  )
}

function text(key: string, value: string | undefined): string {
  if (value === undefined) return ''
  const short = value.length > logCharsMax ? value.slice(0, logCharsMax) : value
  return key + quoted(short)
}

/** A tenth is exact enough for milliseconds; JSON knows no NaN or infinity. */
function number(key: string, value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return ''
  return key + (Number.isInteger(value) ? value : Math.round(value * 10) / 10)
}

function tokens(key: string, value: number | undefined, mark: '' | '~'): string {
  if (value === undefined || !Number.isFinite(value)) return ''
  return mark === '' ? key + value : `${key}"~${value}"`
}

/** Most values are plain words, which need no more than quotes. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function quoted(value: string): string {
  return plain.test(value) ? `"${value}"` : JSON.stringify(value)
}
