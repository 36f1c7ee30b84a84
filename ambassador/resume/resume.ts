import type { Layer, Service } from '#shared/call/service.ts'
import type { ResumeLimits } from '#shared/config/resilience-schema.ts'
import { shortValueAt } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { letGoUnread } from '../attempt/let-go.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'
import { mayBeResumed } from './question-rules.ts'
import { isStream, Rest, type ResumeParts } from './rest.ts'
import { Resumption } from './resumption.ts'
import { SplicedStream } from './spliced-stream.ts'

type Inner = Service<CallRequest, CallResponse, AmbassadorCall>

/**
 * Lets the stream of a pool that breaks after its content go on at another replica, where that gives
 * the answer that would have come (README.md); elsewhere it is an absent layer. Stands above `retry`,
 * which judges each part at its end and finds the replica of the next one. Ends with the body.
 */
export function resume(parts: ResumeParts): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => (request, context) => {
    const limits = limitsOf(request, context)
    return limits === undefined
      ? inner(request, context)
      : begin({ parts, inner, request, context, limits })
  }
}

/** Undefined where nothing is kept of the answer. */
function limitsOf({ body }: CallRequest, context: AmbassadorCall): ResumeLimits | undefined {
  const provider = providerOf(context)
  if (provider.kind !== 'vllm' || provider.resume === undefined) return undefined
  const { isStream, surface } = context
  if (!isStream || surface?.wants !== 'answer') return undefined
  if (surface.dialect !== 'chat' && surface.dialect !== 'completions') return undefined
  return mayBeResumed(body) ? provider.resume : undefined
}

interface Begun {
  readonly parts: ResumeParts
  readonly inner: Inner
  readonly request: CallRequest
  readonly context: AmbassadorCall
  readonly limits: ResumeLimits
}

async function begin(begun: Begun): Promise<CallResponse> {
  const { request, context, limits, inner } = begun
  const options = shortValueAt(request.body, context.bodyValues.get('stream_options'))
  const wishes = isObject(options) ? options : {}
  const resumption = new Resumption({
    dialect: context.surface?.dialect ?? 'chat',
    wantsUsage: wishes['include_usage'] === true,
    runningUsage: wishes['continuous_usage_stats'] === true ? 'callers' : 'ours',
    textBytesMax: limits.textMax,
  })
  context.resumption = resumption
  const response = await inner(request, context)
  if (!isStream(response)) return response
  const rest = new Rest({ ...begun, resumption })
  const stream = new SplicedStream({
    first: response.body,
    take: (piece) => resumption.answer.take(piece),
    after: (error) => rest.after(error),
    onLeft: () => resumption.comeBack(context),
    clock: context.clock,
    keepAliveMs: providerOf(context).commit.keepAlive,
  })
  return { ...response, body: letGoUnread(stream, context.atEnd) }
}
