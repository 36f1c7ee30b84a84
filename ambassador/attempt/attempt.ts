import type { Service } from '#shared/call/service.ts'
import type { Provider } from '#shared/config/schema.ts'
import { CallError, replayOf } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { OriginOptions, Origins } from '#shared/http/client.ts'
import { withEnding } from '#shared/http/ending.ts'
import { endToEnd } from '#shared/http/headers.ts'
import { genAi, spanName } from '#shared/telemetry/gen-ai.ts'
import type { Tracer } from '#shared/telemetry/tracing.ts'
import type { AmbassadorCall } from '../call.ts'
import type { ReplicaPool } from '../pool/pool.ts'
import { providerOf } from '../provider-of.ts'
import { profiles } from '../providers/profile.ts'
import { wireRequest } from './wire-request.ts'

export interface AttemptParts {
  readonly origins: Origins
  readonly pool: ReplicaPool
  readonly tracer: () => Tracer
  readonly onResult: (result: string) => void
}

/**
 * One try at the provider: picks the replica or the base URL, sends, and gives the answer as it
 * came. A place at a replica and the attempt's span end with the body. Errors: those of
 * `Origins.exchange`, `upstream-redirect`, `no-healthy-replica`, `provider-disabled`.
 */
export function attempt(parts: AttemptParts): Service<CallRequest, CallResponse, AmbassadorCall> {
  return async (request, context) => {
    const provider = providerOf(context)
    const replica = provider.kind === 'vllm' ? parts.pool.pick() : undefined
    const origin = replica?.origin ?? baseUrlOf(provider)
    context.attempts++
    context.replica = replica?.origin
    if (replica !== undefined) replica.inFlight++
    const span = parts.tracer().start(spanName('chat', context.model), {
      parent: context.span?.context(),
      kind: 'client',
      attributes: {
        [genAi.providerName]: profiles[provider.kind].telemetryName,
        [genAi.requestModel]: context.model,
        [genAi.attempt]: context.attempts,
        [genAi.replica]: context.replica,
      },
    })
    const finish = (result: string) => {
      if (replica !== undefined) replica.inFlight--
      if (result !== 'ok') span.fail(result, result)
      span.end()
      parts.onResult(result)
    }
    try {
      const response = await send(parts, { request, context, provider, origin })
      const body = withEnding(response.body, (ending) =>
        finish(
          ending.kind === 'failed'
            ? ending.error.code
            : ending.kind === 'complete'
              ? 'ok'
              : 'dropped',
        ),
      )
      return { ...response, body }
    } catch (error) {
      finish(error instanceof CallError ? error.code : 'internal')
      throw error
    }
  }
}

function baseUrlOf(provider: Provider): string {
  return provider.kind === 'vllm' ? '' : provider.baseUrl
}

interface Try {
  readonly request: CallRequest
  readonly context: AmbassadorCall
  readonly provider: Provider
  readonly origin: string
}

/** Of a provider's answer: no cookie is for the application, and our words are ours. */
function isDropped(name: string): boolean {
  return name === 'set-cookie' || name.startsWith('x-outrigger-')
}

/** How calls connect to a provider. */
export function originOptions(provider: Provider): OriginOptions {
  return {
    connectMs: provider.timeouts.connect,
    keepAliveMs: provider.keepAlive,
    connectionsMax: provider.connectionsMax,
    headBytesMax: 64 * 1024,
  }
}

async function send(
  parts: AttemptParts,
  { request, context, provider, origin }: Try,
): Promise<CallResponse> {
  const response = await parts.origins.exchange(
    wireRequest(request, context, origin),
    originOptions(provider),
    {
      headMs: provider.timeouts.head,
      idleMs: provider.timeouts.idle,
      cancellation: context.cancellation,
      clock: context.clock,
      peer: `provider '${context.provider}'`,
    },
  )
  if (response.status >= 300 && response.status < 400) {
    response.body.cancel()
    throw new CallError('upstream-redirect', 'Cannot use the answer: it is a redirect', {
      redirectStatus: response.status,
    })
  }
  const headers = endToEnd(response.headers, isDropped)
  if (response.status >= 400) headers.push('x-outrigger-replay', replayOf(response.status))
  return { status: response.status, headers, body: response.body }
}
