import type { Body, BodySink } from './body.ts'

/** The same body, and how many bytes of it have passed. */
export function countBytes(body: Body): { readonly body: Body; bytes(): number } {
  let bytes = 0
  return {
    bytes: () => bytes,
    body: {
      pipe(sink: BodySink) {
        body.pipe({
          write(chunk) {
            bytes += chunk.length
            return sink.write(chunk)
          },
          end: () => sink.end(),
          fail: (error) => sink.fail(error),
        })
      },
      resume: () => body.resume(),
      cancel: () => body.cancel(),
    },
  }
}
