import type { Layer } from '#shared/call/service.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Counter, InputCount } from '#shared/tokens/counter.ts'
import type { SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'

/**
 * Counts what the question costs by the tokenizer of the model it goes to. Waits at most
 * `count.wait`; then the call goes on with the estimate by bytes, and the count follows in the access
 * line. Ends at the head. Fails with nothing but the reason of a cancellation.
 */
export function count(counter: Counter): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { question, route, dialect, cancellation } = context
    // From here on it is the counter's, for as long as that takes: a stream lasts for minutes.
    context.question = undefined
    if (question === undefined || route === undefined || dialect === undefined) {
      return inner(request, context)
    }
    const counted = counter.count({
      dialect,
      model: route.model,
      body: question,
      isWanted: () => cancellation.reason === undefined,
    })
    if (!(counted instanceof Promise)) {
      context.input = counted
      return inner(request, context)
    }
    return patiently(counted, context).then(() => inner(request, context))
  }
}

/** Resolves when `counted` is there, or when it has been waited for long enough. */
function patiently(counted: Promise<InputCount | undefined>, context: SidecarCall): Promise<void> {
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
    // A count that fails is a defect of ours, and no reason to refuse the call.
    counted.then(settle, () => settle(undefined))
  })
}
