import { type ErrorCode, type ErrorRow, errorTable, type Replay } from './table.ts'

/** Numbers, strings and booleans only: never headers, bodies, options or secrets. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean>>

/** The one class of operating errors; what is not one of these is a defect of ours. */
export class CallError extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  /** `message` reads "Cannot <action>: <state>" and holds nothing secret: callers see it. */
  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message)
    this.name = 'CallError'
    this.code = code
    this.facts = facts
  }

  /** The table's row; where a provider said a status inside its 200, that one and what follows. */
  get row(): ErrorRow {
    const row = errorTable[this.code]
    const said = this.facts['upstreamStatus']
    if (typeof said !== 'number' || said < 400 || said > 599) return row
    return { ...row, status: said, replay: replayOf(said) }
  }
}

/** What the runtime called it, for the log. */
export function causeOf(error: CallError | undefined): string | undefined {
  const cause = error?.facts['cause']
  return typeof cause === 'string' ? cause : undefined
}

/** Whether a provider's own error status leaves room for a second try. */
export function replayOf(status: number): Replay {
  // Refused before any work: vLLM's 503 is a full queue, 429 and 529 are limits.
  if (status === 429 || status === 503 || status === 529) return 'safe'
  return status >= 500 || status === 408 || status === 409 ? 'unknown' : 'never'
}

/** Anything thrown → an operating error. The cause of a defect is for the log, never the caller. */
export function toCallError(thrown: unknown): CallError {
  if (thrown instanceof CallError) return thrown
  const error = new CallError('internal', 'Cannot answer: internal error')
  error.cause = thrown
  return error
}
