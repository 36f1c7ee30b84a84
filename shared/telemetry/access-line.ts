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
  /** Input tokens as the sidecar counted them before the call left. */
  readonly countedTokens?: number | undefined
  /** `exact`, `formula` or `estimate`: how far that count may be trusted. */
  readonly countedAs?: string | undefined
  /** Id of an earlier call whose estimate the counts and the cost below put right; they may be below zero. */
  readonly settles?: string | undefined
  /** Tokens, cached ones included. */
  readonly inputTokens?: number | undefined
  readonly cachedTokens?: number | undefined
  readonly cacheWriteTokens?: number | undefined
  /** Tokens, reasoning included. */
  readonly outputTokens?: number | undefined
  readonly reasoningTokens?: number | undefined
  /** False marks every count of this line as an estimate. */
  readonly tokensExact: boolean
  /** US dollars as a plain decimal; null where the cost is not known. */
  readonly costUsd?: string | null | undefined
  /** False where tokens or price are an estimate. */
  readonly costExact?: boolean | undefined
  /** Where the price comes from, or why there is none. */
  readonly costBasis?: string | undefined
  /** Day of the published price. */
  readonly pricedAt?: string | undefined
  /** From the head of the question to the first content, milliseconds. */
  readonly ttftMs?: number | undefined
  readonly durationMs: number
  /** HTTP status that the caller saw; 499 where it left before one. */
  readonly status: number
  readonly outcome: Outcome
  /** Code of the table of errors. */
  readonly error?: string | undefined
  /** What the runtime called it, such as `ECONNREFUSED`. */
  readonly cause?: string | undefined
  readonly attempts: number
  /** How often the stream has gone on at another replica, where it has. */
  readonly resumed?: number | undefined
  /** Targets that did not serve, and why, in the order in which they were asked. */
  readonly passedOver?: string | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly stream: boolean
}

/** `cut`: the answer broke off after its head; `refused`: no provider was asked. */
export type Outcome = 'ok' | 'client-left' | 'failed' | 'cut' | 'refused'

/** Longest string of a log line, in characters: a caller chooses some of them. */
export const logCharsMax = 256

/** Which of our processes says it. */
export type ProcessName = 'sidecar' | 'ambassador' | 'webhook' | 'controller'

/** What every line of a log begins with. */
export interface LineHead {
  readonly level: 'info'
  /** Milliseconds since 1970. */
  readonly time: number
  readonly half: ProcessName
  readonly msg: 'call'
}

/**
 * One line of JSON for `line`, with its line feed.
 *
 * One literal of a fixed shape given to the engine's own serializer: measured at half of what a
 * general logger takes, and less than joining the text by hand.
 */
export function accessJson(head: LineHead, line: AccessLine): string {
  const mark = line.tokensExact ? '' : '~'
  return `${JSON.stringify({
    level: head.level,
    time: head.time,
    half: head.half,
    msg: head.msg,
    call: text(line.call),
    tenant: text(line.tenant),
    workload: text(line.workload),
    class: text(line.class),
    surface: text(line.surface),
    dialect: text(line.dialect),
    modelAsked: text(line.modelAsked),
    modelServed: text(line.modelServed),
    provider: text(line.provider),
    countedTokens: line.countedTokens,
    countedAs: text(line.countedAs),
    settles: text(line.settles),
    inputTokens: tokens(line.inputTokens, mark),
    cachedTokens: tokens(line.cachedTokens, mark),
    cacheWriteTokens: tokens(line.cacheWriteTokens, mark),
    outputTokens: tokens(line.outputTokens, mark),
    reasoningTokens: tokens(line.reasoningTokens, mark),
    tokensExact: line.tokensExact,
    costUsd: line.costUsd,
    costExact: line.costExact,
    costBasis: line.costBasis,
    pricedAt: line.pricedAt,
    ttftMs: tenths(line.ttftMs),
    durationMs: tenths(line.durationMs),
    status: line.status,
    outcome: line.outcome,
    error: text(line.error),
    cause: text(line.cause),
    attempts: line.attempts,
    resumed: line.resumed,
    passedOver: text(line.passedOver),
    bytesIn: line.bytesIn,
    bytesOut: line.bytesOut,
    stream: line.stream,
  })}\n`
}

function text(value: string | undefined): string | undefined {
  return value !== undefined && value.length > logCharsMax ? value.slice(0, logCharsMax) : value
}

/** A tenth of a millisecond is exact enough; JSON has no NaN or infinity. */
function tenths(value: number | undefined): number | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined
  return Math.round(value * 10) / 10
}

function tokens(value: number | undefined, mark: '' | '~'): number | string | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined
  return mark === '' ? value : `~${value}`
}
