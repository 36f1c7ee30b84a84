import { CallError } from '#shared/errors/call-error.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { withEnding } from '#shared/http/ending.ts'
import type { CallContext } from './context.ts'
import type { Layer } from './service.ts'

/**
 * Cancels the call at its deadline, wherever it is then. Ends with the body. Error:
 * `deadline-exceeded`.
 */
export function deadline<Req, Context extends CallContext>(): Layer<Req, CallResponse, Context> {
  return (inner) => async (request, context) => {
    const { clock, cancellation, startedMs, deadlineMs } = context
    const undo = clock.after(Math.max(0, deadlineMs - clock.now()), () =>
      cancellation.cancel(
        new CallError('deadline-exceeded', 'Cannot finish: the deadline of the call has passed', {
          limitMs: Math.round(deadlineMs - startedMs),
        }),
      ),
    )
    try {
      const response = await inner(request, context)
      return { ...response, body: withEnding(response.body, undo) }
    } catch (error) {
      undo()
      throw error
    }
  }
}
