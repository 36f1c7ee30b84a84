import type { Service } from '#shared/call/service.ts'
import { noUsage, usageInTail } from '#shared/dialects/usage.ts'
import { CallError, replayOf } from '#shared/errors/call-error.ts'
import type { Body } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { withEnding } from '#shared/http/ending.ts'
import { endToEnd } from '#shared/http/headers.ts'
import { LastPieces } from '#shared/http/last-pieces.ts'
import { ThroughBody } from '#shared/http/through-body.ts'
import { type AttemptParts, credentialIn, isDropped, originOptions } from '../attempt/attempt.ts'
import { letGoUnread } from '../attempt/let-go.ts'
import { redacted } from '../attempt/redacted-body.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'
import { attemptSpan } from '../telemetry/attempt-span.ts'
import { wirePass } from './wire-pass.ts'

export type PassParts = AttemptParts

/**
 * One try at the provider, whose answer passes as it comes, of whatever type. Usage is read from its end
 * where it tells any. A replica of a pool is the one with the fewest calls. Ends with the body. Errors: those
 * of `Origins.exchange`, `upstream-redirect`, `no-healthy-replica`, `provider-disabled`.
 */
export function pass(parts: PassParts): Service<CallRequest, CallResponse, AmbassadorCall> {
  return async (request, context) => {
    const provider = providerOf(context)
    const { pool } = parts
    const origin = provider.kind === 'vllm' ? pool.pick().origin : provider.baseUrl
    const leave = provider.kind === 'vllm' ? pool.enter(origin) : undefined
    context.attempts++
    if (provider.kind === 'vllm') context.replica = origin
    const span = attemptSpan(parts.tracer, { context, provider, origin })
    const finish = (result: string) => {
      leave?.()
      span.end(result)
    }
    try {
      const response = await send(parts, { request, context, origin })
      span.head(response.status)
      const body = withEnding(response.body, (ending) => {
        if (ending.kind === 'failed') finish(ending.error.code)
        else finish(ending.kind === 'complete' ? 'ok' : 'dropped')
      })
      return { ...response, body: letGoUnread(body, context.atEnd) }
    } catch (error) {
      finish(error instanceof CallError ? error.code : 'internal')
      throw error
    }
  }
}

interface Sending {
  readonly request: CallRequest
  readonly context: AmbassadorCall
  readonly origin: string
}

async function send(parts: PassParts, sending: Sending): Promise<CallResponse> {
  const { request, context, origin } = sending
  const provider = providerOf(context)
  const wired = wirePass(request, context, origin)
  const { status, headers, body } = await parts.origins.exchange(wired, originOptions(provider), {
    headMs: provider.timeouts.head,
    idleMs: provider.timeouts.idle,
    cancellation: context.cancellation,
    clock: context.clock,
    peer: `provider '${context.provider}'`,
  })
  if (status >= 300 && status < 400) {
    body.cancel()
    throw new CallError('upstream-redirect', 'Cannot use the answer: it is a redirect', {
      redirectStatus: status,
    })
  }
  const kept = endToEnd(headers, isDropped)
  if (status >= 400) {
    kept.push('x-outrigger-replay', replayOf(status))
    return { status, headers: kept, body: redacted(body, credentialIn(wired.headers)) }
  }
  context.onHead?.({ status, headers: kept })
  context.firstContentMs = context.clock.now() - context.startedMs
  // Until its end says otherwise: bytes of sound and images tell of no tokens.
  context.usage = noUsage
  return { status, headers: kept, body: new TailBody(body, context) }
}

/** Where usage stands in what tells any: behind everything else. */
const tailBytes = 8 * 1024

/** Keeps the end of what passes, for its usage. */
class TailBody extends ThroughBody {
  readonly #context: AmbassadorCall
  readonly #tail = new LastPieces(tailBytes)

  constructor(body: Body, context: AmbassadorCall) {
    super(body)
    this.#context = context
  }

  override write(chunk: Buffer): boolean {
    this.#tail.take(chunk)
    return super.write(chunk)
  }

  override end(): void {
    this.#context.usage = usageInTail(this.#tail.bytes()) ?? noUsage
    super.end()
  }
}
