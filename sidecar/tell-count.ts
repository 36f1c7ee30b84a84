import type { Layer } from '#shared/call/service.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { logDefect } from '#shared/telemetry/defect.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { SidecarCall } from './call.ts'
import type { CountParts } from './count.ts'

/** A provider that takes longer to count is not waited for: the sidecar does it in milliseconds. */
const providerMs = 2_000

/**
 * Answers questions that are only to be counted: as the provider counts them where it does and
 * answers in time, else by our own count. One that goes on with what is stored is counted there alone:
 * nobody here knows how long that is, or whose. The header `x-outrigger-count` says which. Ends at the
 * head. Errors: what the provider or its ambassador finds wrong with the question itself, and the
 * reason of a cancellation.
 */
export function tellCount(parts: CountParts): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) =>
    context.surface?.wants === 'count'
      ? tell({ parts, context, ask: () => inner(request, context) })
      : inner(request, context)
}

interface Telling {
  readonly parts: CountParts
  readonly context: SidecarCall
  /** Asks the provider. */
  readonly ask: () => Promise<CallResponse>
}

async function tell({ parts, context, ask }: Telling): Promise<CallResponse> {
  const { clock, question } = context
  // Only where the provider does not say: `count` below has nothing to do.
  context.question = undefined
  context.deadlineMs = Math.min(context.deadlineMs, clock.now() + providerMs)
  const answer = await (context.isBound ? ask() : orUndefined(ask, parts, context))
  if (answer !== undefined && (context.isBound || isLast(answer))) {
    if (answer.status === 200) answer.headers.push('x-outrigger-count', 'provider')
    return answer
  }
  answer?.body.cancel()
  const { surface, route } = context
  const dialect = surface?.dialect ?? 'messages'
  const own = await orUndefined(
    async () =>
      question === undefined || route === undefined
        ? undefined
        : parts.counter.count({
            dialect,
            model: route.model,
            tokenizer: route.tokenizer,
            body: question,
            isWanted: () => context.cancellation.reason === undefined,
          }),
    parts,
    context,
  )
  return told(dialect, own ?? context.input)
}

/** What `give` gives; undefined where it fails, unless the call itself has ended. */
async function orUndefined<Value>(
  give: () => Promise<Value>,
  { log }: CountParts,
  { cancellation, id }: SidecarCall,
): Promise<Value | undefined> {
  try {
    return await give()
  } catch (error) {
    if (!(error instanceof CallError)) logDefect(log(), error, id)
    return undefined
  } finally {
    cancellation.check()
  }
}

/** Whether counting by ourselves would not make it better. */
function isLast({ status, headers }: CallResponse): boolean {
  if (status === 200 || status === 400 || status === 413 || status === 422) return true
  // The ambassador's own no: this tenant may not ask for the model. The provider's is about our key.
  const isOwn = header(headers, 'x-outrigger-attempts') === '0'
  return isOwn && (status === 401 || status === 403)
}

function told(dialect: Dialect, { tokens, exactness }: InputCount): CallResponse {
  const count = { input_tokens: tokens }
  const body = Buffer.from(
    JSON.stringify(dialect === 'messages' ? count : { object: 'response.input_tokens', ...count }),
  )
  return {
    status: 200,
    headers: [
      'content-type',
      'application/json',
      'content-length',
      String(body.length),
      'x-outrigger-count',
      exactness,
    ],
    body: bytesBody(body),
  }
}
