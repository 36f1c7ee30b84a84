import type { Clock } from '#shared/call/clock.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import type { CallResponse } from '#shared/http/call.ts'
import type { Outage } from './outage.ts'
import { awayMsOf, type Failure } from './reason.ts'

/** How a target's turn ended: with an answer or with an error. */
interface Turn {
  readonly answer: CallResponse | undefined
  readonly error: CallError | undefined
  /** Undefined where the answer, or the refusal, is the caller's. */
  readonly failure: Failure | undefined
}

/** What a target's turn says of the calls to come: whether to ask it again, and when. */
export function learn(outage: Outage, { answer, error, failure }: Turn, clock: Clock): void {
  if (answer !== undefined) {
    const awayMs = awayMsOf(answer, failure)
    if (awayMs !== undefined) outage.begin(awayMs, clock)
    // Whatever it refused, its ambassador serves.
    else if (answer.status < 500) outage.end()
  } else if (error?.facts['isDown'] === true) outage.beginAbsence(clock)
}
