import type { Layer } from '#shared/call/service.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { logDefect } from '#shared/telemetry/defect.ts'
import type { Counter, InputCount } from '#shared/tokens/counter.ts'
import type { SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'

export interface CountParts {
  readonly counter: Counter
  readonly log: () => Log
}

/**
 * Counts what the question costs by the tokenizer of the model it goes to. Waits at most
 * `count.wait`; then the call goes on with the estimate by bytes, and the count follows in the access
 * line. Ends at the head. Fails with nothing but the reason of a cancellation.
 */
export function count({ counter, log }: CountParts): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { question, route, dialect, cancellation } = context
    // From here on it is the counter's, for as long as that takes: a stream lasts for minutes.
    context.question = undefined
    if (question === undefined || route === undefined || dialect === undefined) {
      return inner(request, context)
    }
    const onDefect = (error: unknown) => logDefect(log(), error, context.id)
    try {
      const counted = counter.count({
        dialect,
        model: route.model,
        body: question,
        isWanted: () => cancellation.reason === undefined,
      })
      if (counted instanceof Promise) {
        return patiently(counted, context, onDefect).then(() => inner(request, context))
      }
      context.input = counted
    } catch (error) {
      // A defect of ours is no reason to refuse the call: the estimate by bytes stands.
      onDefect(error)
    }
    return inner(request, context)
  }
}

/** Resolves when `counted` is there, or when it has been waited for long enough. */
function patiently(
  counted: Promise<InputCount | undefined>,
  context: SidecarCall,
  onDefect: (error: unknown) => void,
): Promise<void> {
  const { clock, cancellation } = context
  return new Promise((resolve, reject) => {
    const undoWait = clock.after(configOf(context).sidecar.count.wait, resolve)
    const undoCancel = cancellation.onCancel(reject)
    const settle = (input: InputCount | undefined) => {
      undoWait()
      undoCancel()
      if (input !== undefined) context.input = input
      resolve()
    }
    counted.then(settle, (error: unknown) => {
      onDefect(error)
      settle(undefined)
    })
  })
}
