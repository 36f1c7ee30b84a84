import type { Layer } from '#shared/call/service.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { logDefect } from '#shared/telemetry/defect.ts'
import type { Counter, InputCount } from '#shared/tokens/counter.ts'
import type { Route, SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'
import { checkWindow } from './window.ts'

export interface CountParts {
  readonly counter: Counter
  readonly log: () => Log
}

/**
 * Counts what the question costs by the tokenizer of the model it goes to. Waits at most
 * `count.wait`; then the call goes on with the estimate by bytes, and the count follows in the access
 * line. Ends at the head. Errors: `context-window-exceeded`, and the reason of a cancellation.
 */
export function count(parts: CountParts): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { question, route } = context
    if (question === undefined || route === undefined) return inner(request, context)
    const counted = countFor(parts, context, route)
    // From here on it is the counter's, for as long as that takes: a stream lasts for minutes.
    if (context.isLastLink) context.question = undefined
    if (counted instanceof Promise) {
      return counted.then((input) => {
        checkWindow(context, route, input)
        return inner(request, context)
      })
    }
    checkWindow(context, route, counted)
    return inner(request, context)
  }
}

/**
 * The count for `route`, which becomes the call's while it goes there. Undefined where there is none
 * in time: a defect of ours is no reason to refuse the call.
 */
export function countFor(
  { counter, log }: CountParts,
  context: SidecarCall,
  route: Route,
): Awaitable<InputCount | undefined> {
  const { clock, question, surface, cancellation, id } = context
  if (question === undefined) return undefined
  // For the counts of all targets together.
  context.countUntilMs ??= clock.now() + configOf(context).sidecar.count.wait
  const onDefect = (error: unknown) => logDefect(log(), error, id)
  try {
    let isOver = false
    const counted = counter.count({
      dialect: surface?.dialect ?? 'chat',
      model: route.model,
      tokenizer: route.tokenizer,
      body: question,
      isWanted: () => !isOver && cancellation.reason === undefined,
    })
    if (!(counted instanceof Promise)) return keep(context, route, counted)
    // A count that comes behind the access line is for nobody.
    context.atEnd.push(() => {
      isOver = true
    })
    const kept = counted.then((input) => keep(context, route, input))
    kept.catch(onDefect)
    return patiently(kept, context, context.countUntilMs)
  } catch (error) {
    onDefect(error)
    return undefined
  }
}

type Awaitable<Value> = Value | Promise<Value>

/** Also when it comes late: while the call still goes there. */
function keep<Count extends InputCount | undefined>(
  context: SidecarCall,
  route: Route,
  input: Count,
): Count {
  if (input !== undefined && context.route === route) context.input = input
  return input
}

/** What `counted` gives, or undefined when it has been waited for long enough. */
function patiently(
  counted: Promise<InputCount | undefined>,
  { clock, cancellation }: SidecarCall,
  untilMs: number,
): Promise<InputCount | undefined> {
  return new Promise((resolve, reject) => {
    const undoWait = clock.after(Math.max(0, untilMs - clock.now()), () => resolve(undefined))
    const undoCancel = cancellation.onCancel(reject)
    const settle = (input: InputCount | undefined) => {
      undoWait()
      undoCancel()
      resolve(input)
    }
    counted.then(settle, () => settle(undefined))
  })
}
