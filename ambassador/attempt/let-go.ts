import type { Undo } from '#shared/call/clock.ts'
import type { Body } from '#shared/http/body.ts'

/**
 * The same body, let go when the call ends where nobody has begun to read it by then: a layer above
 * that fails behind the answer's head leaves no reader, and what lasts as long as the body (a place,
 * a verdict, the provider's request) would last until a timeout. A body that is read ends by itself.
 * Each layer that watches or reads a body gives what it passes up through here.
 */
export function letGoUnread(body: Body, atEnd: Undo[]): Body {
  let isRead = false
  atEnd.push(() => {
    if (!isRead) body.cancel()
  })
  return {
    pipe(sink) {
      isRead = true
      // Straight to its sink: no chunk passes here.
      body.pipe(sink)
    },
    resume: () => body.resume(),
    cancel: () => body.cancel(),
  }
}
