import type { Snapshot } from '#shared/config/snapshot.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import type { Cancellation } from './cancellation.ts'
import type { Clock, Undo } from './clock.ts'

/** What every layer of either half knows of the call it serves. */
export interface CallContext {
  readonly clock: Clock
  readonly cancellation: Cancellation
  /** `clock.now()` when the head had been read. */
  readonly startedMs: number
  /** What it had waited by then, in ms: since its connection was taken, or within a turn of the event loop. */
  waitedMs?: number
  /** Kept from beginning to end, whatever is reloaded meanwhile; undefined before the first. */
  readonly snapshot: Snapshot | undefined
  /** UUIDv7. The ambassador takes the sidecar's. */
  id: string
  /** Instant on `clock.now()` by which the body must have ended. */
  deadlineMs: number
  /** What went wrong, for the access line; the first error counts. */
  error: CallError | undefined
  /** Run by the server, once, when the answer has ended in whichever way: read to its end, failed, left, never begun. */
  readonly atEnd: Undo[]
}
