import type { IncomingMessage, ServerResponse } from 'node:http'
import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { Service } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { compact } from './body.ts'
import type { CallRequest, CallResponse } from './call.ts'
import { ChunkedWriter } from './chunked-writer.ts'
import { type HeaderList, lowered } from './headers.ts'
import { incomingBody } from './incoming.ts'
import { requestTarget } from './request-target.ts'

/** Who answers, and who is told of it. */
export interface Answering<Context> {
  readonly service: Service<CallRequest, CallResponse, Context>
  /** Makes the context of one call. */
  readonly open: (cancellation: Cancellation, waitedMs: number) => Context
  /** Told when its answer has ended, however. */
  readonly close: (context: Context) => void
}

/** Whether `expect: 100-continue` is still to be answered. */
export type Continue = 'continued' | 'awaited'

/** One question of node's server. */
interface Asked {
  readonly clock: Clock
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly mustContinue: Continue
  /** From its connection, or from the turn of the loop that read it, in ms. */
  readonly waitedMs: number
}

/**
 * Longest wait for a reader once its call has been cancelled, in ms: for the error event of a cut
 * stream. One that reads nothing would keep its connection and its place for as long as it likes.
 */
const lastWordsMs = 2_000

/**
 * Longest wait for a reader once its answer has ended, in ms: what is left is more than the kernel
 * holds for it. An application may be busy for so long; no deadline watches over a refusal.
 */
const restMs = 60_000

/** Has one question answered. Rejects with what the service throws: a defect. */
export async function answer<Context>(to: Answering<Context>, asked: Asked): Promise<void> {
  const { request, response, mustContinue, waitedMs } = asked
  const cancellation = new Cancellation()
  const context = to.open(cancellation, waitedMs)
  let sent: CallResponse | undefined
  const undoLastWords = cancellation.onCancel(() => endWithin(asked, lastWordsMs))
  response.once('close', () => {
    undoLastWords()
    to.close(context)
    if (response.writableFinished) return
    cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller has left'))
    sent?.body.cancel()
  })
  const { path, query, family } = requestTarget(request.url ?? '/')
  const result = await to.service(
    {
      method: request.method ?? 'GET',
      path,
      query,
      family,
      headers: lowered(request.rawHeaders),
      incoming: incomingBody(request, () => {
        if (mustContinue === 'awaited') response.writeContinue()
      }),
      body: Buffer.alloc(0),
    },
    context,
  )
  sent = result
  if (response.destroyed || response.closed) return result.body.cancel()
  return send(asked, result)
}

function send(asked: Asked, result: CallResponse): void {
  const { request, response } = asked
  // A body that was not read to its end would be taken for the next request.
  if (!request.complete) response.shouldKeepAlive = false
  // node:http throws on a trailer where the answer cannot be chunked.
  const canTrail = request.method !== 'HEAD' && request.httpVersionMinor > 0 && result.status >= 200
  const hasNoBody = request.method === 'HEAD' || result.status === 204 || result.status === 304
  const mayTrail = canTrail && !hasNoBody
  response.writeHead(result.status, mayTrail ? result.headers : withoutTrailer(result.headers))
  const { body } = result
  const chunked = response.chunkedEncoding ? new ChunkedWriter(response) : undefined
  let hasDrainListener = false
  body.pipe({
    write(chunk) {
      // Read all the same, to an end that its watchers take for one.
      if (hasNoBody || (chunked?.write(chunk) ?? writeAsIs(response, chunk))) return true
      if (!hasDrainListener) {
        hasDrainListener = true
        response.on('drain', () => body.resume())
      }
      return false
    },
    end() {
      chunked?.end()
      const trailers = mayTrail ? result.trailers?.() : undefined
      if (trailers !== undefined) response.addTrailers(trailers)
      if (request.complete) end(asked)
      else linger(asked)
    },
    // Nothing in the dialect could say it: a reset keeps the cut from looking like an end.
    fail: () => response.destroy(),
  })
}

/** What waits for a slow reader must keep no more than itself in memory. */
function writeAsIs(response: ServerResponse, chunk: Buffer): boolean {
  return response.write(response.writableLength > 0 ? compact(chunk) : chunk)
}

function withoutTrailer(headers: HeaderList): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)] !== 'trailer')
}

/** What the kernel has taken at once needs no watching; over TLS it takes a turn of the event loop. */
function end(asked: Asked): void {
  const { response } = asked
  response.end()
  if (response.writableLength > 0) endWithin(asked, restMs)
}

/** Resets the connection where the answer has not been taken by then. */
function endWithin({ response, clock }: Asked, waitMs: number): void {
  const undo = clock.after(waitMs, () => response.destroy())
  response.once('close', undo)
}

/** Longest wait for the rest of a request that was refused early. */
const lingerMs = 1_000

/**
 * Ends an answer that came before its request was whole: closing at once would reset the connection
 * under a caller that still sends, and lose the answer with it (RFC 9112, 9.6).
 */
function linger(asked: Asked): void {
  const { request, response, clock } = asked
  const undo = clock.after(lingerMs, () => end(asked))
  request.once('end', () => {
    undo()
    end(asked)
  })
  response.once('close', undo)
  request.resume()
}
