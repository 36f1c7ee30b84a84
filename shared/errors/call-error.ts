import { type ErrorCode, type ErrorRow, errorTable } from './table.ts'

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

  get row(): ErrorRow {
    return errorTable[this.code]
  }
}

/** Anything thrown → an operating error. The cause of a defect is for the log, never the caller. */
export function toCallError(thrown: unknown): CallError {
  if (thrown instanceof CallError) return thrown
  const error = new CallError('internal', 'Cannot answer: internal error')
  error.cause = thrown
  return error
}
