import { CallError } from '#shared/errors/call-error.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { type HeaderList, header } from '#shared/http/headers.ts'
import type { AmbassadorCall } from '../call.ts'

/** A success without a body, or with a piece of one. */
const withoutAnswer = new Set([204, 205, 206])

/** Whether a head is that of a stream of events. */
export function isEvents(headers: HeaderList): boolean {
  return header(headers, 'content-type')?.toLowerCase().startsWith('text/event-stream') === true
}

/** Whether the caller has asked for a stream of a dialect that has one. */
export function wantsEvents({ isStream, surface }: AmbassadorCall): boolean {
  return isStream && surface?.dialect !== 'embeddings'
}

/**
 * Refuses what cannot be the answer by its head alone: a success without one, one that is compressed
 * (nobody asked for that, nothing in it could be watched, and the caller may not read it), and events
 * for who reads one object. Throws `upstream-garbage`, with the body let go.
 */
export function refuseOddHead(response: CallResponse, context: AmbassadorCall): void {
  const { status, headers, body } = response
  if (status >= 300) return
  const coding = header(headers, 'content-encoding')?.toLowerCase() ?? 'identity'
  const why = withoutAnswer.has(status)
    ? `a ${status} holds none`
    : coding !== 'identity'
      ? 'it is compressed'
      : isEvents(headers) && !wantsEvents(context)
        ? 'it is a stream, and none was asked for'
        : undefined
  if (why === undefined) return
  body.cancel()
  throw new CallError('upstream-garbage', `Cannot use the answer: ${why}`)
}
