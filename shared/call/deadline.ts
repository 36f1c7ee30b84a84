import { CallError } from '#shared/errors/call-error.ts'
import type { CallContext } from './context.ts'
import type { Layer } from './service.ts'

/**
 * Cancels the call at its deadline, wherever it is then. Ends with the body. Error:
 * `deadline-exceeded`.
 */
export function deadline<Req, Res, Context extends CallContext>(): Layer<Req, Res, Context> {
  return (inner) => (request, context) => {
    const { clock, cancellation, startedMs, deadlineMs } = context
    const undo = clock.after(Math.max(0, deadlineMs - clock.now()), () =>
      cancellation.cancel(
        new CallError('deadline-exceeded', 'Cannot finish: the deadline of the call has passed', {
          limitMs: Math.round(deadlineMs - startedMs),
        }),
      ),
    )
    context.atEnd.push(undo)
    return inner(request, context)
  }
}
