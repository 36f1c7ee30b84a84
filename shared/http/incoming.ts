import type { IncomingMessage } from 'node:http'
import type { IncomingBody, IncomingSink } from './call.ts'

/** A node request's body; `onRead` runs before its first byte is asked for. */
export function incomingBody(request: IncomingMessage, onRead: () => void): IncomingBody {
  const declared = request.headers['content-length']
  return {
    declaredBytes: declared === undefined ? undefined : Number(declared),
    contentEncoding: request.headers['content-encoding'],
    read(sink: IncomingSink) {
      onRead()
      request.on('data', (chunk: Buffer) => sink.data(chunk))
      request.on('end', () => sink.end())
      // 'close' also follows a clean end, which a sink that unzips may not have seen through yet.
      request.on('close', () => {
        if (!request.readableEnded) sink.gone()
      })
      request.on('error', () => sink.gone())
    },
    pause: () => request.pause(),
    resume: () => request.resume(),
  }
}
